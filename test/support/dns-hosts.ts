// Loaded into a gateway before all else: names that end in `.test` are looked up in the file FAULT_HOSTS, a JSON object from
// names to addresses. A name that is not in it does not resolve; one with the address "silence" is never answered.
import dns from 'node:dns';
import { readFileSync } from 'node:fs';

type Callback = (error: Error | null, address?: unknown, family?: number) => void;

const real = dns.lookup.bind(dns) as (...args: unknown[]) => unknown;

function lookup(name: string, ...rest: unknown[]): unknown {
  if (!name.endsWith('.test')) return real(name, ...rest);
  const done = rest.at(-1) as Callback;
  const options = rest.length > 1 ? (rest[0] as { all?: boolean }) : {};
  const hosts = JSON.parse(readFileSync(process.env['FAULT_HOSTS'] ?? '', 'utf8')) as Record<
    string,
    string | undefined
  >;
  const address = hosts[name];
  if (address === 'silence') return undefined;
  if (address === undefined) {
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    return setImmediate(done, error);
  }
  return options.all === true
    ? setImmediate(done, null, [{ address, family: 4 }])
    : setImmediate(done, null, address, 4);
}

Object.assign(dns, { lookup });
