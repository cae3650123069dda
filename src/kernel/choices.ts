import { isObject, objectAt, stringAt, type Json, type JsonObject } from './json.ts';

/** A question of one choice or several, as forms before 2025-11-25 can ask it. */
export interface Choice {
  readonly plain: JsonObject;
  /** What was chosen, as the form of later versions says it. */
  read(value: Json): Json;
}

interface Option {
  readonly value: string;
  readonly title: string;
}

/** The choice that a property of a form asks for; undefined where older forms can ask it as it is. */
export function choiceOf(property: JsonObject): Choice | undefined {
  if (property['type'] === 'string') {
    const options = optionsOf(property['oneOf']);
    return options === undefined ? undefined : oneOf(property, options);
  }
  if (property['type'] !== 'array') return undefined;
  const items = objectAt(property, 'items');
  const options = optionsOf(items?.['anyOf']) ?? namesOf(items?.['enum']);
  return options === undefined ? undefined : severalOf(property, options);
}

/** Titles have a list of their own in older forms (spec 2025-06-18, elicitation, "Requested Schema"). */
function oneOf(property: JsonObject, options: readonly Option[]): Choice {
  const { oneOf: _titled, ...rest } = property;
  const plain = {
    ...rest,
    enum: options.map(({ value }) => value),
    enumNames: options.map(({ title }) => title),
  };
  return { plain, read: (value) => value };
}

/** Older forms have no way to choose several: they are written down, with commas between them. */
function severalOf(property: JsonObject, options: readonly Option[]): Choice {
  const written = options.map(({ title }) => title).join(', ');
  const told = `Any of these, with commas between them: ${written}.`;
  const description = [stringAt(property, 'description'), told].filter(Boolean).join(' ');
  const title = stringAt(property, 'title');
  const chosen = Array.isArray(property['default']) ? property['default'] : [];
  const preset = options.filter(({ value }) => chosen.includes(value)).map((each) => each.title);
  const plain: JsonObject = {
    type: 'string',
    ...(title === undefined ? {} : { title }),
    description,
    ...(preset.length === 0 ? {} : { default: preset.join(', ') }),
  };
  return { plain, read: (value) => (typeof value === 'string' ? chosenOf(value, options) : value) };
}

/** By title or value; a title may hold commas, so what is longest is looked for first. What is none of them stays as written. */
function chosenOf(text: string, options: readonly Option[]): string[] {
  const known = options
    .flatMap(({ value, title }) => [
      { spelling: title, value },
      { spelling: value, value },
    ])
    .toSorted((one, other) => other.spelling.length - one.spelling.length);
  const chosen: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const found = known.find(({ spelling }) => begins(rest, spelling));
    const end = rest.indexOf(',');
    const spelling = found?.spelling ?? (end === -1 ? rest : rest.slice(0, end));
    const value = found?.value ?? spelling.trim();
    if (value !== '' && !chosen.includes(value)) chosen.push(value);
    rest = rest.slice(spelling.length).replace(/^\s*,?\s*/u, '');
    if (spelling === '' && end !== 0) break;
  }
  return chosen;
}

function begins(text: string, spelling: string): boolean {
  if (spelling === '' || !text.toLowerCase().startsWith(spelling.toLowerCase())) return false;
  return /^\s*(?:,|$)/u.test(text.slice(spelling.length));
}

function optionsOf(value: Json | undefined): readonly Option[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const options = value.flatMap((each) => {
    const text = isObject(each) ? stringAt(each, 'const') : undefined;
    if (text === undefined || !isObject(each)) return [];
    return [{ value: text, title: stringAt(each, 'title') ?? text }];
  });
  return options.length === value.length ? options : undefined;
}

function namesOf(value: Json | undefined): readonly Option[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.filter((each) => typeof each === 'string');
  return names.map((name) => ({ value: name, title: name }));
}
