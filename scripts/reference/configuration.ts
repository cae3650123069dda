import { APP } from '../../src/config/app-settings.ts';
import { VARIABLES } from '../../src/config/environment.ts';
import { SERVER_ENTRY } from '../../src/config/server-entry.ts';
import { LIMITS } from '../../src/config/settings.ts';
import { toSetting, type Setting } from './json-schema.ts';
import { EXAMPLES } from './examples.ts';
import { code, page, table } from './markdown.ts';

const INTRODUCTION = `Two files and a few environment variables. Both files are read again when they change; one with an error is reported
with file, line and column, and the configuration before it stays in force. A file that vanishes changes nothing until
it is back or the gateway starts anew.`;

const SERVERS_PROSE = `JSON; comments and trailing commas are allowed. Schema: \`schemas/mcp.schema.json\`.

\`\`\`json
{
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "demo"]
    },
    "crm": {
      "url": "https://crm.example.com/mcp",
      "headers": { "Authorization": "Bearer \${CRM_TOKEN}" },
      "callTimeoutMs": 600000
    }
  }
}
\`\`\`

Texts of \`command\`, \`args\`, \`cwd\`, \`url\`, \`env\` and \`headers\` may hold references to environment variables:

- \`\${NAME}\`, or \`\${env:NAME}\` as some editors write it: the value of NAME.
- \`\${NAME:-default}\`: the same, or the default when NAME is unset or empty.
- \`$\${\`: a plain \`\${\`.
- \`{ "fromEnv": "NAME" }\` in place of a whole value of \`env\` or \`headers\`.

While a variable is missing, its server waits in the state \`pending-input\`, which names the variable; the others run.

Relative paths start at the folder the gateway runs in. Keys of other programs are left alone and reported as warnings.
Server names become part of tool names: characters other than letters, digits, \`_\`, \`.\` and \`-\` turn into \`_\`, the
result must not hold \`__\`, and no two names may differ in case alone.`;

const APP_PROSE = `YAML 1.2. Schema: \`schemas/app.schema.json\`. A key unknown here is an error, so that no misspelt rule is silently
without effect. Where a value can be a text or \`{ fromEnv }\`, and in \`headers\`, references to environment variables may
stand as in mcp.json; one that is not set is an error, but for a section that is switched off.`;

/** The page of everything that can be configured. */
export function configurationPage(): string {
  const settings = Object.entries(toSetting(APP).properties ?? {});
  const entry = Object.entries(toSetting(SERVER_ENTRY).properties ?? {});
  return page('Configuration', [
    INTRODUCTION,
    '',
    '## Environment',
    '',
    table(['Variable', 'Default', 'Meaning'], Object.entries(VARIABLES).map(variableRow)),
    '',
    '## mcp.json',
    '',
    SERVERS_PROSE,
    '',
    table(
      ['Key', 'Type', 'Meaning'],
      [
        ...entry
          .filter(([key]) => !(key in LIMITS.shape))
          .map(([key, setting]) => entryRow(key, setting)),
        [
          'limits',
          '',
          `Any limit of [upstreams](#upstreams) but \`startConcurrency\`, for this server alone.`,
        ],
      ],
    ),
    '',
    '## app.yaml',
    '',
    APP_PROSE,
    '',
    table(
      HEAD,
      settings
        .filter(([, setting]) => !isSection(setting))
        .map(([key, setting]) => settingRow(key, setting)),
    ),
    '',
    ...settings
      .filter(([, setting]) => isSection(setting))
      .flatMap(([name, section]) => sectionText(name, section)),
  ]);
}

const HEAD = ['Key', 'Type', 'Default', 'Meaning'];

type Variable = (typeof VARIABLES)[keyof typeof VARIABLES];

function variableRow([name, { fallback, meaning }]: [string, Variable]): string[] {
  return [code(name), fallback === '' ? '' : code(fallback), meaning];
}

function entryRow(key: string, setting: Setting): string[] {
  return [code(key), typeText(setting), setting.description ?? ''];
}

function isSection({ type }: Setting): boolean {
  return type === 'object' || type === 'array';
}

function sectionText(name: string, section: Setting): string[] {
  const example = EXAMPLES[name];
  return [
    `### ${name}`,
    '',
    section.description ?? '',
    '',
    ...(example === undefined ? [] : ['```yaml', example.trim(), '```', '']),
    table(HEAD, rowsUnder(section, '')),
    '',
  ];
}

/** One row for each described setting inside another, under its whole path. */
function rowsUnder(setting: Setting, path: string): string[][] {
  const { properties = {}, additionalProperties, propertyNames, items, anyOf = [] } = setting;
  const start = path === '' ? '' : `${path}.`;
  return [
    ...Object.entries(properties).flatMap(([key, inner]) => rowsOf(inner, start + key)),
    ...(typeof additionalProperties === 'object'
      ? rowsOf(additionalProperties, `${start}<${propertyNames?.title ?? 'name'}>`)
      : []),
    ...(items === undefined ? [] : rowsOf(items, `${path}[]`)),
    ...anyOf.flatMap((alternative) => rowsUnder(alternative, path)),
  ];
}

function rowsOf(setting: Setting, path: string): string[][] {
  const own = setting.description === undefined ? [] : [settingRow(path, setting)];
  return [...own, ...rowsUnder(setting, path)];
}

function settingRow(path: string, setting: Setting): string[] {
  return [
    code(path),
    typeText(setting),
    defaultText(path, setting.default),
    setting.description ?? '',
  ];
}

function typeText(setting: Setting): string {
  if (setting.enum !== undefined) return choices(setting.enum);
  if (setting.anyOf !== undefined)
    return [...new Set(setting.anyOf.map(alternativeText))].join(' or ');
  if (setting.const !== undefined) return code(JSON.stringify(setting.const));
  if (setting.items !== undefined) return `list of ${pluralText(setting.items)}`;
  return NAMES[setting.type ?? ''] ?? 'any value';
}

function pluralText(items: Setting): string {
  if (items.enum !== undefined) return choices(items.enum);
  return PLURALS[typeText(items)] ?? 'values';
}

function choices(values: readonly unknown[]): string {
  return values.map((value) => code(String(value))).join(', ');
}

function alternativeText(setting: Setting): string {
  const keys = Object.keys(setting.properties ?? {});
  return keys.length === 0 || keys.length > MAX_KEYS
    ? typeText(setting)
    : code(`{ ${keys.join(', ')} }`);
}

const MAX_KEYS = 3;

const NAMES: Readonly<Record<string, string>> = {
  integer: 'number',
  number: 'number',
  string: 'text',
  boolean: 'true or false',
  object: 'mapping',
};
const PLURALS: Readonly<Record<string, string>> = { text: 'texts', mapping: 'mappings' };

const UNITS: Readonly<Record<string, readonly [number, string][]>> = {
  Ms: [
    [86_400_000, 'days'],
    [60_000, 'min'],
    [1000, 's'],
  ],
  Bytes: [
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ],
};

function defaultText(path: string, value: unknown): string {
  if (value === undefined) return '';
  const unit = (/Ms$|Bytes$/.exec(path) ?? [''])[0];
  const [size, name] =
    UNITS[unit]?.find(([size]) => Number(value) >= size && Number(value) % size === 0) ?? [];
  const plain = code(typeof value === 'string' ? value : JSON.stringify(value));
  return size === undefined ? plain : `${plain} (${Number(value) / size} ${name})`;
}
