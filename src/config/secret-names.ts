/** Parts of names that nothing harmless has, in lower case without separators. */
const STEMS =
  /passw|passphrase|passcode|secret|token(?!s?(?:count|limit|budget|type))|credential|apikey|(?:private|access|signing|encryption|master|account|auth|ssh)key|authorization|cookie|bearer|jwt|connectionstring|databaseurl|signature|(?:pwd|pat|dsn)$/;
const WHOLE = new Set(['pass', 'pin', 'otp', 'auth']);

/** Whether a name says that what stands under it is a secret, however it is written: `apiKey`, `API_KEY`, `x-api-key`, `--api-key`. */
export function isSecretName(name: string): boolean {
  const bare = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return STEMS.test(bare) || WHOLE.has(bare);
}
