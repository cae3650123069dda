/**
 * A server whose era stands in a file, as that of a real one changes with an update: `upstream-turning.ts FILE [flags]` is the
 * fixture with `--era` and what the file says.
 */
import { readFileSync } from 'node:fs';

const [file = '', ...flags] = process.argv.slice(2);
const era = readFileSync(file, 'utf8').trim();
process.argv.splice(2, process.argv.length, '--era', era, ...flags);
await import('../fixture/main.ts');
