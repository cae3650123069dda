import { pairFault, type PemFile } from './pem-file.ts';
import type { DoorPlan } from '../kernel/plan.ts';
import type { AppDraft } from './app-draft.ts';
import { ADDRESS, isOrigin } from './settings.ts';
import type { Path } from './tree.ts';
import type { Variables } from './variables.ts';

/** What the door is compiled with. */
export interface DoorTerms {
  readonly variables: Variables;
  readonly isAuthOn: boolean;
  readonly readFile: (path: string) => PemFile;
}

/** Who may knock, from `server`, ALLOWED_IP_RANGES and CORS_ORIGINS. */
export function compileDoor(draft: AppDraft, terms: DoorTerms): DoorPlan {
  const { server } = draft.app;
  return {
    ...server,
    publicUrl: server.publicUrl,
    tls: certificate(draft, terms),
    allowedOrigins: [...new Set([...server.allowedOrigins, ...furtherOrigins(terms)])],
    allowedAddresses: allowedAddresses(terms.variables),
  };
}

/** The texts of both files: a reload finds a certificate that was renewed. */
function certificate({ file, app }: AppDraft, { readFile }: DoorTerms): DoorPlan['tls'] {
  const { tls } = app.server;
  if (tls === undefined) return undefined;
  const read = (key: 'cert' | 'key'): string => {
    const found = readFile(tls[key]);
    if ('text' in found) return found.text;
    const place: Path = ['server', 'tls', key];
    file.error(place, `"${tls[key]}" ${found.fault}`);
    return '';
  };
  const pair = { cert: read('cert'), key: read('key') };
  const fault = pair.cert === '' || pair.key === '' ? undefined : pairFault(pair);
  if (fault !== undefined)
    file.error(['server', 'tls'], `${fault} (${tls.cert}, ${tls.key})`, 'key');
  return pair;
}

function allowedAddresses(variables: Variables): string[] {
  const addresses = entriesOf('ALLOWED_IP_RANGES', variables);
  for (const text of addresses) {
    if (ADDRESS.safeParse(text, { jitless: true }).success) continue;
    const message = `"${text}" is no address; give IP addresses or ranges such as 10.0.0.0/8, with commas between them.`;
    variables.error('ALLOWED_IP_RANGES', message);
  }
  return addresses;
}

function furtherOrigins({ variables, isAuthOn }: DoorTerms): string[] {
  const origins = entriesOf('CORS_ORIGINS', variables);
  for (const text of origins) {
    const fault = originFault(text, isAuthOn);
    if (fault !== undefined) variables.error('CORS_ORIGINS', fault);
  }
  return origins;
}

function originFault(text: string, isAuthOn: boolean): string | undefined {
  if (text === '*') {
    return isAuthOn
      ? undefined
      : '"*" lets every web page that is open in a browser on this machine call the gateway, and callers need not prove themselves; name the origins, or switch authentication on.';
  }
  if (isOrigin(text)) return undefined;
  return `"${text}" is no origin; give scheme, host and port alone, such as https://app.example.com, with commas between them.`;
}

/** A variable set to nothing is unset, as every other; one that holds no more than commas is a mistake. */
function entriesOf(name: string, variables: Variables): string[] {
  const text = variables.lookUp(name)?.trim() ?? '';
  if (text === '') return [];
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.length === 0) variables.error(name, 'Nothing stands between the commas; unset it.');
  return entries;
}
