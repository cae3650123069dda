import { isObject, type Json } from '../kernel/json.ts';
import type { Endpoint, Plan } from '../kernel/plan.ts';
import { isInherited } from './environment.ts';
import { isSecretName } from './secret-names.ts';

/** What is a secret by its name is one at this length; shorter texts could not be told from other text. */
const MIN_NAMED = 4;
/** What only may be one. */
const MIN_OTHER = 8;

/** Headers that say how something is sent, not who sends it. */
const PLAIN_HEADER =
  /^(?:accept(?:-.*)?|content-.*|user-agent|cache-control|mcp-protocol-version)$/i;
/** Variables that say how a program runs. */
const PLAIN_VARIABLE = /^(?:NODE_ENV|NODE_OPTIONS|LOG_LEVEL|DEBUG|PYTHON[A-Z]+)$/;

/** A text that must not be shown, and whether it surely is a secret. */
interface Found {
  readonly text: string;
  readonly isSure: boolean;
}

/**
 * Every text of a plan that is a secret or may be one, longest first: the shared key, values of variables and headers of servers,
 * headers of exports, the password of the database, what was taken from the environment, and what stands under the name of a
 * secret in arguments, addresses and fixed parameters. Each also in the forms in which it travels. Texts of fewer than 4 characters
 * (8 where no name says that it is a secret) are left out.
 */
export function secretsOf(plan: Plan): readonly string[] {
  const found = [
    ...sure(plan.auth.sharedKey),
    ...plan.servers.flatMap(({ endpoint }) => inEndpoint(endpoint)),
    ...inHeaders(plan.tracing.headers),
    ...inAddress(plan.tracing.endpoint),
    ...inHeaders(plan.audit.http?.headers ?? {}),
    ...inAddress(plan.audit.http?.url ?? ''),
    ...sure(plan.usage.database),
    ...inAddress(plan.usage.database ?? ''),
    ...inExtensions(plan),
    ...plan.fromEnvironment.flatMap((text) => [...maybe(text), ...inAddress(text)]),
  ];
  const texts = found.flatMap(({ text, isSure }) =>
    formsOf(text).filter((form) => form.length >= (isSure ? MIN_NAMED : MIN_OTHER)),
  );
  return [...new Set(texts)].toSorted((one, other) => other.length - one.length);
}

function inEndpoint(endpoint: Endpoint): Found[] {
  if (endpoint.kind === 'remote')
    return [...inHeaders(endpoint.headers), ...inAddress(endpoint.url)];
  return [...inVariables(endpoint.env), ...inArguments(endpoint.args)];
}

function inVariables(env: Readonly<Record<string, string>>): Found[] {
  return Object.entries(env)
    .filter(([name]) => !isInherited(name) && !PLAIN_VARIABLE.test(name))
    .flatMap(([name, text]) => [
      ...(isSecretName(name) ? sure(text) : maybe(text)),
      ...inAddress(text),
      ...inJson(text),
    ]);
}

/** Some servers take a whole mapping of headers in one variable. */
function inJson(text: string): Found[] {
  if (!text.startsWith('{')) return [];
  try {
    return inValue(JSON.parse(text) as Json, false);
  } catch {
    return [];
  }
}

function inHeaders(headers: Readonly<Record<string, string>>): Found[] {
  return Object.entries(headers)
    .filter(([name]) => !PLAIN_HEADER.test(name))
    .map(([name, text]) => ({ text, isSure: isSecretName(name) }));
}

/** `--token x`, `--token=x`, `-e TOKEN=x` and `Authorization: x`; and what addresses among them hold. */
function inArguments(args: readonly string[]): Found[] {
  return args.flatMap((text, index) => {
    const before = args[index - 1] ?? '';
    const isAfterName = /^--?[\w-]+$/.test(before) && isSecretName(before);
    return [...(isAfterName ? sure(text) : []), ...inAssignments(text), ...inAddress(text)];
  });
}

function inAssignments(text: string): Found[] {
  return [...text.matchAll(/([\w-]{1,100})(?:=|:\s{0,4})/g)].flatMap(
    ({ 0: whole, 1: name, index }) =>
      isSecretName(name ?? '') ? sure(text.slice(index + whole.length)) : [],
  );
}

/** The password of an address, and what its query holds under the name of a secret. */
function inAddress(text: string): Found[] {
  // Of bounded length: a long text without an address must not be searched from each of its letters to its end.
  const address = /[a-z][\w+.-]{0,100}:\/\/\S+/i.exec(text)?.[0];
  if (address === undefined || !URL.canParse(address)) return [];
  const { password, searchParams } = new URL(address);
  const query = [...searchParams].filter(
    ([name]) => isSecretName(name) || /^(?:key|code|sig)$/i.test(name),
  );
  return [password, decoded(password), ...query.map(([, value]) => value)].flatMap(sure);
}

/** Parameters that are fixed to a secret: callers cannot see them, and no record should show them. */
function inExtensions({ extensions }: Plan): Found[] {
  const tools = Object.values(extensions).flatMap((byTool) => Object.values(byTool));
  const children = tools.flatMap((tool) => tool.children);
  return children.flatMap(({ params }) =>
    Object.entries(params).flatMap(([name, { fixed, default: fallback }]) =>
      [fixed, fallback].flatMap((given) =>
        given === undefined ? [] : inValue(given.value, isSecretName(name)),
      ),
    ),
  );
}

function inValue(value: Json, isNamed: boolean): Found[] {
  if (typeof value === 'string') return isNamed ? sure(value) : [];
  if (Array.isArray(value)) return value.flatMap((item) => inValue(item, isNamed));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    inValue(inner ?? null, isNamed || isSecretName(key)),
  );
}

/** The text itself, what follows the name of a scheme, and both as they stand in addresses. */
function formsOf(text: string): string[] {
  const bare = text.replace(/^(?:bearer|basic|token|apikey)\s+/i, '');
  return [text, bare].flatMap((form) => [form, encoded(form)]);
}

function encoded(text: string): string {
  // A lone surrogate has no such form.
  return text.isWellFormed() ? encodeURIComponent(text) : text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function sure(text: string | undefined): Found[] {
  return text === undefined ? [] : [{ text, isSure: true }];
}

/** Folders are named by variables too, and stand in many a message that could not be understood without them. */
const PATH = /^(?:~|\.{0,2})\/[\w.@ -]+(?:\/[\w.@ -]+)*\/?$/;

function maybe(text: string): Found[] {
  return PATH.test(text) ? [] : [{ text, isSure: false }];
}
