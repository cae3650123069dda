import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readDockerfile } from './dockerfile.ts';
import { RULES, type BuildContext } from './dockerfile-rules.ts';
import { readDockerignore } from './dockerignore.ts';

const folder = fileURLToPath(new URL('../..', import.meta.url));
const ignores = readDockerignore(readFileSync(`${folder}/.dockerignore`, 'utf8'));
const context: BuildContext = { folder, ignores };

describe('deploy/Dockerfile', () => {
  const stages = readDockerfile(readFileSync(`${folder}/deploy/Dockerfile`, 'utf8'));
  for (const { says, problems, broken } of RULES) {
    test(says, () => {
      assert.deepEqual(problems(stages, context), []);
      assert.notDeepEqual(problems(readDockerfile(broken), context), [], 'the rule sees a breach');
    });
  }
});
