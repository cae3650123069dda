import { z } from 'zod';
import type { GroupPlan } from '../kernel/access.ts';
import type { ConfigFile } from './config-file.ts';
import { serverKeys } from './server-keys.ts';

const name = z.string().min(1);

/** Named sets of tools, prompts and resources. */
export const TOOL_GROUPS = z.array(
  z.strictObject({
    name: name.describe(
      'The name by which permissions and rules refer to the group, and under which `/mcp/<name>` serves it.',
    ),
    services: z
      .record(
        name.meta({ title: 'server' }),
        z.union([z.literal('*'), z.array(name)], 'Give "*" or a list of names.'),
      )
      .describe(
        'By server, in any case: `"*"` for all of it, or a list of tools, prompts and resource URIs. What is not named is not in the group.',
      ),
  }),
);

/** The tool groups by name; two that share a name are reported. */
export function compileGroups(
  file: ConfigFile,
  groups: z.output<typeof TOOL_GROUPS>,
): Record<string, GroupPlan> {
  const places = new Map<string, number>();
  for (const [index, { name }] of groups.entries()) {
    const earlier = places.get(name);
    places.set(name, earlier ?? index);
    if (earlier === undefined) continue;
    const line = file.line(['toolGroups', earlier, 'name']);
    const message = `"${name}" names the group of line ${line} too; rename one of them.`;
    file.error(['toolGroups', index, 'name'], message);
  }
  return Object.fromEntries(
    groups.map(({ name, services }, index) => {
      const path = ['toolGroups', index, 'services'];
      return [name, { name, services: serverKeys(file, path, services) }];
    }),
  );
}
