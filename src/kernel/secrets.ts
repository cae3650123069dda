const MAX_KEY_CHARS = 100;
const MAX_KNOWN_KEYS = 2000;

/** Parts of names that nothing harmless has, in lower case without separators. */
const STEMS =
  /passw(?:or)?d|passphrase|passcode|secret|credential|apikey|(?:private|access|signing|encryption|master|account|auth|ssh)key|authorization|cookie|bearer|jwt|token(?!i[sz]|s?(?:count|limit|budget|usage|per)|type)|connectionstring|mnemonic|seedphrase|(?:recovery|backup)code|pwd$/;
const WHOLE = new Set(['pass', 'pin', 'otp', 'auth', 'pat', 'cvv', 'cvc', 'dsn', 'sessionid']);
/** Tools of language models count tokens. */
const PLURAL = /tokens$/;

const known = new Map<string, KeyKind>();

/** What a name says of the value under it: a secret, a secret unless it is a number, or nothing. */
export type KeyKind = 'secret' | 'countable' | 'plain';

/** Judges a name, however it is written: `apiKey`, `API_KEY` and `x-api-key` are one. */
export function keyKind(key: string): KeyKind {
  const present = known.get(key);
  if (present !== undefined) return present;
  const kind = judge(key);
  // Callers choose the names: what is kept of them must not grow.
  if (known.size >= MAX_KNOWN_KEYS) known.clear();
  if (key.length <= MAX_KEY_CHARS) known.set(key, kind);
  return kind;
}

function judge(key: string): KeyKind {
  const bare = key
    .slice(0, MAX_KEY_CHARS)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  if (!STEMS.test(bare) && !WHOLE.has(bare)) return 'plain';
  return PLURAL.test(bare) ? 'countable' : 'secret';
}

/** Shorter texts hold no credential that could be told from other text. */
const MIN_CHARS = 8;

/**
 * Marks of credentials by themselves. Every repetition is bounded and follows a fixed beginning, so the work grows with the
 * length of the text alone.
 */
export const TOKEN_MARKS = [
  // JSON Web Tokens and all else that is JSON in base64
  'eyJ[\\w-]{10}',
  '^\\s{0,8}[Bb]earer\\s{1,4}\\S',
  '[Bb]earer\\s{1,4}[\\w.~+/=-]{16}',
  '^\\s{0,8}[Bb]asic\\s{1,4}[A-Za-z0-9+/=]{8,400}\\s{0,8}$',
  // Inside of a text it must look like base64, not like a word.
  '[Bb]asic\\s{1,4}(?=[A-Za-z+/]{0,60}(?:\\d|[a-z][A-Z]|=))[A-Za-z0-9+/]{16}',
  '-----BEGIN ',
  'AGE-SECRET-KEY-1',
  'mcpx_[\\w-]{6}',
  // AWS, GitHub, GitLab, Slack
  '\\b(?:AKIA|ASIA)[A-Z0-9]{16}',
  'gh[pousr]_\\w{16}',
  'github_pat_\\w{16}',
  'gl(?:pat|dt|rt|ptt|cbt)-[\\w-]{16}',
  'xox[a-z]-[\\w-]{8}',
  'xapp-\\d-[\\w-]{8}',
  'hooks\\.slack\\.com/services/T',
  // OpenAI, Anthropic and those who write theirs alike; Stripe
  '\\bsk-[\\w-]{16}',
  '\\b[rsp]k_(?:live|test)_\\w{8}',
  'whsec_\\w{8}',
  // Google, npm, PyPI, Hugging Face, SendGrid, DigitalOcean, Shopify, Atlassian
  'AIza[\\w-]{30}',
  'ya29\\.[\\w-]{10}',
  'GOCSPX-[\\w-]{10}',
  'npm_[A-Za-z0-9]{30}',
  'pypi-AgE[\\w-]{10}',
  '\\bhf_[A-Za-z0-9]{20}',
  '\\bSG\\.[\\w-]{16}',
  'do[op]_v1_[a-f0-9]{16}',
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{16}',
  'ATATT3[\\w-]{10}',
].join('|');

/** What stands in a text where a secret was taken out is none. */
const NOT_TAKEN_OUT = '(?!\\[redacted\\](?:[\\s"\'&,;\\\\@)}\\]]|$))';

/** Users and passwords in URLs: where they begin, and what they are. */
export const USER_MARKS = [
  `https?://${NOT_TAKEN_OUT}[^\\s/?#@"<>]{1,300}@`,
  `://${NOT_TAKEN_OUT}[^\\s/?#@:"<>]{0,100}:[^\\s/?#@"<>]{1,300}@`,
].join('|');

/** Names of secrets as they stand beside their values: in queries of URLs, lines of environments, headers and command lines. */
const NAMES = [
  'passw(?:or)?d|passphrase|passcode|(?:[_-]|db|user)pwd|jwt|secret(?:[_-]?key)?|token|credentials?|connection[_ -]?string',
  '(?:api|access|private|account|auth|signing|encryption|master|ssh)[_-]?key',
].join('|');
// JSON in JSON in JSON has seven backslashes before a quote.
const BETWEEN = '["\'\\\\]{0,8}\\s{0,2}[=:]\\s{0,2}';
const VALUE = `${NOT_TAKEN_OUT}["'\\\\]{0,8}[^\\s"'&,;\\\\]{6}`;

/** A name of a secret, what stands between it and its value, and the beginning of that. */
export const NAMED_MARK = { name: `(?:${NAMES})${BETWEEN}`, value: VALUE };
/** Headers whose whole value is a secret; it may begin with the name of a scheme, such as Basic. */
export const HEADER_MARK = {
  name: `(?:authorization|cookie)${BETWEEN}`,
  value: `(?:${VALUE}|${NOT_TAKEN_OUT}["'\\\\]{0,8}[A-Za-z]{2,5}\\s{1,4}[^\\s"'&,;\\\\]{6})`,
};
/** Names that mean a secret in the query of a URL alone. */
export const QUERY_MARK = {
  name: '[?&](?:key|auth|code|sig|signature)=',
  value: `${NOT_TAKEN_OUT}[^\\s&]{8}`,
};

const CREDENTIAL = new RegExp(`${TOKEN_MARKS}|${USER_MARKS}`);
const ASSIGNED = new RegExp(
  [NAMED_MARK, HEADER_MARK, QUERY_MARK].map(({ name, value }) => name + value).join('|'),
  'i',
);

/** Whether a text looks like a credential, or like something that holds one. */
export function looksSecret(text: string): boolean {
  return text.length >= MIN_CHARS && (CREDENTIAL.test(text) || ASSIGNED.test(text));
}

const MAX_NAME_CHARS = 200;
const names = new Map<string, string>();

/** What somebody calls themselves, as it may be recorded: `[redacted]` where it looks like a credential, for some send one as a name. */
export function saidName(text: string): string {
  const present = names.get(text);
  if (present !== undefined) return present;
  const name = looksSecret(text) ? '[redacted]' : text;
  // Callers choose the names: what is kept of them must not grow.
  if (names.size >= MAX_KNOWN_KEYS) names.clear();
  if (text.length <= MAX_NAME_CHARS) names.set(text, name);
  return name;
}
