// Loaded by `node --require` into the MCP servers that run on Node, where a Lunar Gateway is configured: sends their own
// HTTP calls through it. Plain CommonJS, for any Node the interceptor knows.
'use strict';

/** What fetches a server and starts it is not the server: its own downloads are left alone. */
const PACKAGE_MANAGERS = /^(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli)?(?:\.[cm]?js)?$/;

try {
  load();
} catch (error) {
  // A server without the interceptor is better than none.
  process.stderr.write(`the Lunar interceptor is not in use: ${String(error)}\n`);
}

function load() {
  const script = (process.argv[1] || '').split(/[\\/]/).pop() || '';
  if (!process.env.LUNAR_PROXY_HOST || PACKAGE_MANAGERS.test(script)) return;
  keepOffStdout(require('lunar-interceptor/dist/logger').logger);
  require('lunar-interceptor');
  // Names imported from node:http would go on meaning the functions it has replaced.
  require('node:module').syncBuiltinESMExports();
}

/**
 * The standard output of a server carries MCP messages alone. Done before the interceptor itself is loaded, which logs at
 * once.
 * @param {typeof import('lunar-interceptor/dist/logger').logger} logger
 */
function keepOffStdout(logger) {
  const all = Object.fromEntries(Object.keys(logger.levels).map((level) => [level, true]));
  for (const transport of logger.transports) {
    if (!('stderrLevels' in transport)) throw new Error('its log would go to the standard output');
    transport.stderrLevels = all;
  }
}
