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
 * Marks of credentials. Every repetition is bounded and follows a fixed beginning, so the work grows with the length of
 * the text alone.
 */
const MARKS = [
  // JSON Web Tokens and all else that is JSON in base64
  'eyJ[\\w-]{10}',
  '^\\s{0,8}[Bb]earer\\s{1,4}\\S',
  '[Bb]earer\\s{1,4}[\\w.~+/=-]{16}',
  '^\\s{0,8}[Bb]asic\\s{1,4}[A-Za-z0-9+/=]{8,400}\\s{0,8}$',
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
  // Users and passwords in URLs
  'https?://[^\\s/?#@"<>]{1,300}@',
  '://[^\\s/?#@:"<>]{0,100}:[^\\s/?#@"<>]{1,300}@',
].join('|');

/** Values written beside the names of secrets: in queries of URLs, lines of environments, headers and command lines. */
const BESIDE = [
  '(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private)[_-]?key|authorization|cookie)',
  '["\'\\\\]{0,3}\\s{0,2}[=:]\\s{0,2}["\'\\\\]{0,3}[^\\s"\'&,;\\\\]{6}',
  '|[?&](?:key|auth|code|sig|signature)=[^\\s&]{8}',
].join('');

const CREDENTIAL = new RegExp(MARKS);
const ASSIGNED = new RegExp(BESIDE, 'i');

/** Whether a text looks like a credential, or like something that holds one. */
export function looksSecret(text: string): boolean {
  return text.length >= MIN_CHARS && (CREDENTIAL.test(text) || ASSIGNED.test(text));
}
