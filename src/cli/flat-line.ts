/** Letters that stand in JSON as they are. */
const PLAIN = /^[\w .,:;/@+*()[\]=<>~-]*$/;

/** Members of a JSON object, each with a comma before it, of fields that are texts and numbers. */
export function flatMembers(fields: object): string {
  let text = '';
  for (const key in fields) {
    const value: unknown = fields[key as keyof typeof fields];
    if (typeof value === 'string') text += `,"${key}":${quoted(value)}`;
    else if (typeof value === 'number') text += `,"${key}":${value}`;
    else if (value !== undefined) text += `,"${key}":${JSON.stringify(value)}`;
  }
  return text;
}

/** Most texts need no look at each of their characters but this one. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
