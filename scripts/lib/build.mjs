import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, ROOT, runTool } from './tools.mjs';

const DIST = join(ROOT, 'dist');
const STAMP = join(DIST, '.stamp');

/** Compiles src to dist, unless dist was built from these very sources. */
export async function build() {
  const stamp = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return true;
  if (!(await runTool('tsc', ['-b', 'src']))) return false;
  removeOrphans();
  writeFileSync(STAMP, stamp);
  return true;
}

function fingerprint() {
  const hash = createHash('sha256');
  hash.update(readJson('node_modules/typescript/package.json').version);
  for (const file of ['tsconfig.base.json', ...filesIn('src').map((name) => join('src', name))])
    hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/** The compiler leaves behind what it once made of a source that is gone. */
function removeOrphans() {
  const sources = new Set(filesIn('src'));
  for (const file of filesIn('dist')) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js\.map|\.js)$/.exec(file) ?? [];
    if (stem !== undefined && !sources.has(`${stem}.ts`)) rmSync(join(DIST, file));
  }
}

/** @param {string} folder */
function filesIn(folder) {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /\.(?:ts|js|json|map)$/.test(name)).sort();
}
