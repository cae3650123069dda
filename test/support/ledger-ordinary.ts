import type { Actor } from './ledger.ts';
import type { SeededRandom } from './ledger-random.ts';
import { call, completion, list, own, prompt, read, type Wish } from './ledger-wishes.ts';
import { FILE_TEXTS } from './ledger-config.ts';
import { templateOf } from './access-servers.ts';

const WORDS = [
  'gateway',
  'Überraschung',
  'naïve',
  '東京',
  'привет',
  'tokens',
  'ledger',
  '🐎',
  'HTTP/1.1',
  'snake_case',
  'camelCase',
  '3.14159',
  '<b>bold</b>',
  "don't",
  '\n',
  '\t',
  'SELECT * FROM calls',
  'सत्य',
  'مرحبا',
  '한국어',
];

/** A text of a few words in several languages. */
export function someText(random: SeededRandom): string {
  const count = 2 + random.below(30);
  return Array.from({ length: count }, () => random.of(WORDS)).join(' ');
}

type Make = (random: SeededRandom, files: string) => Wish;

const FILES = Object.keys(FILE_TEXTS);
const PLAIN = [
  'test_simple_text',
  'test_image_content',
  'test_audio_content',
  'test_embedded_resource',
  'test_multiple_content_types',
  'fixture_resource_link',
  'fixture_view',
];
const PATHS = ['static-text', 'static-binary', 'template/7/data', 'watched-resource'];

const CALLS: readonly Make[] = [
  (random) => call('everything__echo', { message: someText(random) }),
  (random) => call('everything__get-sum', { a: random.below(1000), b: -random.below(1000) }),
  (random) =>
    call('everything__get-structured-content', { location: random.of(['Chicago', 'New York']) }),
  (random) => call('everything__get-resource-links', { count: 1 + random.below(5) }),
  (random, files) => call('files__read_text_file', { path: `${files}/${random.of(FILES)}` }),
  (_random, files) => call('files__list_directory', { path: files }),
  (random) =>
    call('it__fixture_echo', { text: someText(random), nested: { list: [1, null, true, 'x'] } }),
  (random) => call(`it__${random.of(PLAIN)}`, undefined),
  (random) => call('new__fixture_echo', { text: someText(random) }),
  (random) => call(`new__${random.of(PLAIN)}`, {}),
  (random) => call(`far__${random.of(PLAIN)}`, {}),
  () => call('it__fixture_unknown', {}),
  () => call('new__fixture_unknown', {}),
];

const OTHERS: readonly Make[] = [
  (random) => prompt('it__test_prompt_with_arguments', { arg1: someText(random), arg2: 'b' }),
  (random) => prompt('everything__args-prompt', { city: random.of(['Brno', 'Kyiv', 'São Paulo']) }),
  (random) =>
    prompt('new__test_prompt_with_embedded_resource', { resourceUri: `test://${random.below(9)}` }),
  () => prompt('it__test_prompt_with_image'),
  () => prompt('far__brief'),
  (random) => read('it', `test://${random.of(PATHS)}`),
  () => read('far', 'far://a'),
  () => read('everything', 'demo://resource/static/document/features.md'),
  () => read('new', templateOf('new').replace('{id}', '8'), 'test://template/8/data'),
  (random) => completion('it__test_prompt_with_arguments', 'arg1', random.of(['pa', 't', 'z'])),
];

const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];

/** So many requests of the usual kind, in any order, by somebody who may make all of them. */
export function ordinary(actor: Actor, count: number, random: SeededRandom, files: string): Wish[] {
  const made = Array.from({ length: count }, () => {
    const kind = random.below(10);
    if (kind < 6) return random.of(CALLS)(random, files);
    if (kind < 9) return random.of(OTHERS)(random, files);
    return actor.era === 'legacy' && random.below(3) === 0 ? own('ping') : list(random.of(LISTS));
  });
  return made;
}

/** The same by somebody who may do little: most of it does not exist for them. */
export function restricted(
  actor: Actor,
  count: number,
  random: SeededRandom,
  files: string,
): Wish[] {
  const hidden = (wish: Wish, code = 'TARGET_UNKNOWN'): Wish => ({
    ...wish,
    expected: { ...wish.expected, outcome: 'refused', code, isSent: false },
  });
  const kinds: readonly (() => Wish)[] = [
    () => call('everything__echo', { message: someText(random) }),
    () => call('everything__get-sum', { a: random.below(50), b: 1 }),
    () => call('files__read_text_file', { path: `${files}/note.txt` }),
    () => prompt('everything__simple-prompt'),
    () => list(random.of(LISTS)),
    () => hidden(call('it__fixture_echo', { text: someText(random) })),
    () => hidden(prompt('it__test_simple_prompt')),
    () => hidden(read('far', 'far://a'), 'RESOURCE_UNKNOWN'),
    () => hidden(completion('it__test_prompt_with_arguments', 'arg1', 'p')),
  ];
  return Array.from({ length: count }, () => random.of(kinds)());
}
