/** What is wrong with a text that should name things as `server/name`, undefined when nothing is. */
export function targetFault(text: string): string | undefined {
  const { server, name } = partsOf(text);
  // A URI has a slash too, but what stands before it is no server.
  if (server === '' || name === undefined || /^[a-z][\w+.-]*:\/\//i.test(text)) {
    const rest = text.replace(/^\//, '') || 'name';
    return `"${text}" names no server: write "<server>/${rest}"`;
  }
  return name === '' ? `"${text}" names nothing of its server: write "${text}<name>"` : undefined;
}

/** The same for a pattern, in which `*` stands for anything. */
export function patternFault(text: string): string | undefined {
  if (text === '*') return undefined;
  const fault = targetFault(text);
  if (fault === undefined) return undefined;
  const { name } = partsOf(text);
  const whole =
    name === '' ? `"${text}*" for all of it` : `"*/${text.replace(/^\//, '')}" for every server`;
  return `${fault}, or ${whole}.`;
}

/** The server a text `server/name` names, undefined where it is a pattern or names none. */
export function serverIn(text: string): string | undefined {
  const { server, name } = partsOf(text);
  return name === undefined || server.includes('*') ? undefined : server;
}

function partsOf(text: string): { server: string; name: string | undefined } {
  const slash = text.indexOf('/');
  if (slash === -1) return { server: '', name: undefined };
  return { server: text.slice(0, slash), name: text.slice(slash + 1) };
}
