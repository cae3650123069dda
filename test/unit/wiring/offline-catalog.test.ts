import assert from 'node:assert/strict';
import test from 'node:test';
import type { ExtensionsPlan } from '../../../src/kernel/access.ts';
import type { Plan, ServerPlan } from '../../../src/kernel/plan.ts';
import {
  annotated,
  labelOf,
  OfflineCatalog,
  type NamedKind,
} from '../../../src/wiring/offline-catalog.ts';
import { inventoryOf, type Offering } from '../../support/unit-catalog.ts';

interface Given {
  readonly seen?: Readonly<Record<string, Offering>>;
  readonly unseen?: readonly string[];
  readonly inactive?: readonly string[];
  readonly extensions?: ExtensionsPlan;
  readonly naming?: Plan['naming'];
}

function catalogOf({
  seen = {},
  unseen = [],
  inactive = [],
  extensions = {},
  naming = 'prefix',
}: Given): OfflineCatalog {
  const servers = [...Object.keys(seen), ...unseen].map(
    (name) => ({ name, isActive: !inactive.includes(name) }) as ServerPlan,
  );
  const inventories = Object.entries(seen).map(
    ([name, offering]) => [name, inventoryOf(offering)] as const,
  );
  return new OfflineCatalog(
    { servers, naming, extensions } as unknown as Plan,
    new Map(inventories),
  );
}

/** Server, name, whether it was seen, and why it is not on offer; or why it is nothing. */
function look(catalog: OfflineCatalog, kind: NamedKind, text: string): unknown {
  const found = catalog.find(kind, text);
  if ('problem' in found) return found.problem;
  return [labelOf(found.target), found.target.publicName, found.isSeen, found.absence];
}

const NAP = {
  name: 'nap',
  title: undefined,
  description: undefined,
  annotations: { readOnlyHint: true },
  params: {},
};
const EXTENSIONS: ExtensionsPlan = { git: { slow: { isReplaced: true, children: [NAP] } } };

test('a tool is found by its public name, by its server in any case, and by its own name where one has it', () => {
  const catalog = catalogOf({
    seen: { Git: { tools: ['log', 'both'] }, other: { tools: ['both'] } },
  });
  const log = ['Git/log', 'Git__log', true, undefined];
  for (const text of ['Git__log', 'git/log', 'GIT/log', 'log'])
    assert.deepEqual(look(catalog, 'tool', text), log);
  assert.equal(
    look(catalog, 'tool', 'both'),
    'Several servers have a tool "both"; write which: Git/both, other/both.',
  );
  assert.equal(
    look(catalog, 'tool', 'none'),
    'No server is known to have a tool "none"; write "server/tool".',
  );
  assert.equal(
    look(catalog, 'prompt', 'log'),
    'No server is known to have a prompt "log"; write "server/prompt".',
  );
});

test('what a server that was seen does not list is not on offer, what an unseen one may have is', () => {
  const catalog = catalogOf({ seen: { git: { tools: ['log'] } }, unseen: ['my server'] });
  assert.deepEqual(look(catalog, 'tool', 'git/other'), [
    'git/other',
    'git__other',
    true,
    'unlisted',
  ]);
  const unseen = ['my server/x', 'my_server__x', false, undefined];
  assert.deepEqual(look(catalog, 'tool', 'my server/x'), unseen);
  assert.deepEqual(look(catalog, 'tool', 'my_server__x'), unseen);
});

test('a server that is switched off offers nothing', () => {
  const catalog = catalogOf({ seen: { git: { tools: ['log'] } }, inactive: ['git'] });
  assert.deepEqual(look(catalog, 'tool', 'git/log'), ['git/log', 'git__log', true, 'inactive']);
});

test('custom tools are found whether their server was seen or not, and hide a tool they replace', () => {
  for (const given of [{ seen: { git: { tools: ['slow'] } } }, { unseen: ['git'] }]) {
    const catalog = catalogOf({ ...given, extensions: EXTENSIONS });
    const found = catalog.find('tool', 'git/nap');
    assert.ok(!('problem' in found));
    assert.deepEqual(
      [found.target.name, found.target.shape?.name, found.absence],
      ['slow', 'nap', undefined],
    );
    assert.deepEqual(found.target.shown?.['annotations'], { readOnlyHint: true });
    const [, , , absence] = look(catalog, 'tool', 'git/slow') as unknown[];
    assert.equal(absence, 'replaced');
  }
});

test('annotations that are said of an unseen tool are laid under those of its custom tool', () => {
  const catalog = catalogOf({ unseen: ['git'], extensions: EXTENSIONS });
  const given = { readOnlyHint: false, destructiveHint: false };
  const plain = catalog.find('tool', 'git/push');
  const custom = catalog.find('tool', 'git/nap');
  assert.ok(!('problem' in plain) && !('problem' in custom));
  assert.deepEqual(annotated(plain.target, given).item?.['annotations'], given);
  assert.equal(annotated(plain.target, undefined), plain.target);
  assert.deepEqual(annotated(custom.target, given).shown?.['annotations'], {
    readOnlyHint: true,
    destructiveHint: false,
  });
});

test('a URI stands for what lists it, for its template, or for the one server that may have it', () => {
  const seen = {
    one: { resources: ['file:///a'], templates: ['file:///{name}.txt'] },
    two: { resources: ['file:///a'] },
  };
  const catalog = catalogOf({ seen });
  assert.deepEqual(look(catalog, 'resource', 'file:///a'), [
    'one/file:///a',
    'file:///a',
    true,
    undefined,
  ]);
  const second = catalog.find('resource', 'two/file:///a');
  assert.ok(!('problem' in second));
  assert.deepEqual([second.target.upstream, second.target.name], ['two', 'file:///a']);
  const byTemplate = catalog.find('resource', 'file:///x.txt');
  assert.ok(!('problem' in byTemplate));
  assert.deepEqual(byTemplate.target.via, ['file:///{name}.txt']);
  assert.match(
    String(look(catalog, 'resource', 'db://x')),
    /^No server is known to have a resource "db:\/\/x"; write "server\/uri"\.$/u,
  );
  const alone = catalogOf({ seen: { one: seen.one, none: { tools: ['x'] } } });
  assert.deepEqual(look(alone, 'resource', 'db://x'), ['one/db://x', 'db://x', true, undefined]);
});
