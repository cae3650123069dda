import { z } from 'zod';
import type { ExtensionPlan, ExtensionsPlan } from '../kernel/access.ts';
import type { AppDraft } from './app-draft.ts';
import { CHILD_TOOL, compileChild } from './child-tools.ts';
import type { ConfigFile } from './config-file.ts';
import { mapValues } from './map-values.ts';
import type { ParamSpot } from './param-settings.ts';
import type { ConfigChecks } from './ports.ts';
import { serverKeys } from './server-keys.ts';
import type { Path } from './tree.ts';

const name = z.string().min(1);

const EXTENSION = z.strictObject({
  replace: z.boolean().describe('Whether the tool itself is no longer offered.').default(false),
  childTools: z.array(CHILD_TOOL).describe('The tools made from it.'),
});

type Tools = Readonly<Record<string, z.output<typeof EXTENSION>>>;

/** Tools made from other tools. */
export const TOOL_EXTENSIONS = z.strictObject({
  services: z
    .record(name.meta({ title: 'server' }), z.record(name.meta({ title: 'tool' }), EXTENSION))
    .describe('By server, in any case, and tool: what is made of it.')
    .optional(),
});

const SERVICES: Path = ['toolExtensions', 'services'];

/** The custom tools by server and tool; what cannot hold is reported. */
export function compileExtensions({ file, app }: AppDraft, checks: ConfigChecks): ExtensionsPlan {
  const services = app.toolExtensions?.services ?? {};
  const plans = mapValues(services, (tools, server) => {
    const path = [...SERVICES, server];
    checkNames(file, path, tools);
    return mapValues(tools, (extension, tool) =>
      compileTool(extension, { file, checks, path: [...path, tool] }),
    );
  });
  return serverKeys(file, SERVICES, plans);
}

function compileTool({ replace, childTools }: Tools[string], spot: ParamSpot): ExtensionPlan {
  const { file, path } = spot;
  if (replace && childTools.length === 0) {
    const message =
      'Nothing is offered in place of this tool; to take it from everybody, block it by a tool group.';
    file.error([...path, 'replace'], message);
  }
  return {
    isReplaced: replace,
    children: childTools.map((child, index) =>
      compileChild(child, { ...spot, path: [...path, 'childTools', index] }),
    ),
  };
}

/** Reports names that two custom tools of a server share, or that one has from a tool which is still offered. */
function checkNames(file: ConfigFile, path: Path, tools: Tools): void {
  const places = new Map<string, Path>();
  for (const [tool, { childTools }] of Object.entries(tools)) {
    for (const [index, { name }] of childTools.entries()) {
      const place = [...path, tool, 'childTools', index, 'name'];
      const earlier = places.get(name);
      places.set(name, earlier ?? place);
      if (earlier !== undefined) {
        const message = `"${name}" names the custom tool of line ${file.line(earlier)} too; rename one of them.`;
        file.error(place, message);
      } else if (Object.hasOwn(tools, name) && tools[name]?.replace === false) {
        const message = `"${name}" is the name of a tool that is still offered; rename this one, or write "replace: true" beside the childTools of "${name}".`;
        file.error(place, message);
      }
    }
  }
}
