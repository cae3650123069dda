/** One event as a client would see it. */
export interface ParsedEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string;
}

/** Reads a whole event stream, line by line as the standard has it (WHATWG HTML, 9.2.6): independent of the gateway's own. */
export function eventsOf(text: string): readonly ParsedEvent[] {
  const events: ParsedEvent[] = [];
  let [name, data, id] = ['', undefined as string | undefined, ''];
  const lines = text.replace(/^\ufeff/u, '').split(/\r\n|\n|\r/u);
  // What follows the last end of a line is no line yet.
  for (const line of lines.slice(0, -1)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /u, '');
    if (line === '') {
      if (data !== undefined) events.push({ name, data, id });
      [name, data] = ['', undefined];
    } else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}
