const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
// RFC 9110, 5.5.
const HEADER_VALUE = /^[\t\u0020-\u007E\u0080-\u00FF]*$/;

/** What is wrong with the name of an HTTP header, undefined when nothing is. */
export function headerNameFault(name: string): string | undefined {
  return HEADER_NAME.test(name) ? undefined : 'No HTTP header can have this name.';
}

/** What is wrong with the value of an HTTP header, undefined when nothing is. */
export function headerValueFault(value: string): string | undefined {
  return HEADER_VALUE.test(value)
    ? undefined
    : 'This holds a line break or another character no HTTP header can carry.';
}

/** What is wrong with an address something is sent to over HTTP, undefined when nothing is. */
export function httpUrlFault(text: string, example: string): string | undefined {
  if (!URL.canParse(text)) return `This is no URL; give one such as ${example}.`;
  const { protocol, username, password } = new URL(text);
  if (!/^https?:$/.test(protocol)) return `Give an http or https address, such as ${example}.`;
  const hasLogin = username !== '' || password !== '';
  return hasLogin ? 'A login in the URL is not sent; use an Authorization header.' : undefined;
}
