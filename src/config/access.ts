import type { AccessPlan } from '../kernel/access.ts';
import { compileTests } from './access-tests.ts';
import type { AppDraft } from './app-draft.ts';
import { checkGroupReferences } from './group-references.ts';
import { checkMembership, compilePermissions } from './permissions.ts';
import { compileRules, type RuleTerms } from './rules.ts';
import { compileGroups } from './tool-groups.ts';

/** Who may reach what, from `permissions`, `toolGroups`, `rules` and `tests`. */
export function compileAccess(draft: AppDraft, terms: RuleTerms): AccessPlan {
  const { file, app } = draft;
  const permissions = app.permissions ?? {};
  checkMembership(file, permissions);
  checkGroupReferences(draft);
  return {
    ...compilePermissions(permissions),
    groups: compileGroups(file, app.toolGroups ?? []),
    rules: compileRules(draft, terms),
    tests: compileTests(file, app.tests ?? []),
  };
}
