import assert from 'node:assert/strict';
import test from 'node:test';
import { partOf, type JsonObject } from '../support/raw-http.ts';
import { clientOf, ERAS, sceneOf, scripted, welcomeOf } from '../support/shapes-scene.ts';

/** MCP Apps (`io.modelcontextprotocol/ui`) in all four combinations of eras. */

const UI = 'io.modelcontextprotocol/ui';
const MIME = 'text/html;profile=mcp-app';
const VIEW = 'ui://map/app.html';
const META = {
  ui: { resourceUri: VIEW, csp: { connectDomains: ['https://x'] } },
  'ui/resourceUri': VIEW,
};
const html = (who: string): JsonObject => ({
  contents: [
    { uri: VIEW, mimeType: MIME, text: `<p>${who}</p>`, _meta: { ui: { prefersBorder: true } } },
  ],
});
const app = (who: string): JsonObject => ({
  capabilities: { tools: {}, resources: {}, extensions: { [UI]: { mimeTypes: [MIME] } } },
  lists: {
    tools: [
      { name: 'show', inputSchema: { type: 'object' }, _meta: META },
      {
        name: `only_${who}`,
        inputSchema: { type: 'object' },
        _meta: { ui: { visibility: ['app'] } },
      },
    ],
  },
  answers: {
    'tools/call show': { result: { content: [{ type: 'text', text: who }], _meta: META } },
    [`tools/call only_${who}`]: { result: { content: [{ type: 'text', text: `only ${who}` }] } },
    'resources/read': { result: html(who) },
  },
});
const other = {
  capabilities: { resources: {} },
  lists: { resources: [{ uri: 'x:1', name: 'x' }] },
};

for (const serverEra of ERAS) {
  const gateway = await sceneOf({
    servers: {
      other: scripted('legacy', other),
      one: scripted(serverEra, app('one')),
      two: scripted(serverEra, app('two')),
    },
  });
  for (const era of ERAS) {
    const pair = `${era} client, ${serverEra} server`;

    test(`the extension is declared (${pair})`, async () => {
      const capabilities = (await welcomeOf(era, gateway.port))['capabilities'] as JsonObject;
      assert.deepEqual(capabilities['extensions'], { [UI]: { mimeTypes: [MIME] } });
    });

    test(`a view is read under the URI that its tool names in lists and results, though no list has it (${pair})`, async () => {
      const client = await clientOf(era, gateway.port);
      const { result: list } = await client.request('tools/list');
      const tools = list?.['tools'] as { name: string; _meta: { ui: { resourceUri: string } } }[];
      const full = `mcpx://two/${encodeURIComponent(VIEW)}`;
      for (const [server, uri] of [
        ['one', VIEW],
        ['two', full],
      ] as const) {
        const expected = { ui: { ...META.ui, resourceUri: uri }, 'ui/resourceUri': uri };
        assert.deepEqual(tools.find(({ name }) => name === `${server}__show`)?._meta, expected);
        const shown = await client.request('tools/call', { name: `${server}__show` });
        const { ui, 'ui/resourceUri': first } = partOf(shown, '_meta');
        assert.deepEqual({ ui, 'ui/resourceUri': first }, expected);
        const read = await client.request('resources/read', { uri });
        const [content] = partOf<JsonObject[]>(read, 'contents');
        assert.deepEqual(content, { ...(html(server)['contents'] as JsonObject[])[0], uri });
      }
    });

    test(`an app calls the tools of its server by their own names (${pair})`, async () => {
      const client = await clientOf(era, gateway.port);
      const { result } = await client.request('tools/call', { name: 'only_two' });
      assert.deepEqual(result?.['content'], [{ type: 'text', text: 'only two' }]);
    });
  }
}
