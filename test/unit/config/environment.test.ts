import assert from 'node:assert/strict';
import test from 'node:test';
import {
  inheritedEnvironment,
  lunarPlan,
  readEnvironment,
} from '../../../src/config/environment.ts';

test('an empty environment gives the documented defaults', () => {
  assert.deepEqual(readEnvironment({}), {
    surroundings: {
      host: '127.0.0.1',
      port: 9000,
      metricsPort: 3000,
      isMetricsEnabled: true,
      dataDir: './.mcpx',
      serversPath: 'config/mcp.json',
      appPath: 'config/app.yaml',
      logLevel: 'info',
    },
    problems: [],
  });
});

test('every variable is obeyed, and an empty one counts as unset', () => {
  const { surroundings, problems } = readEnvironment({
    MCPX_HOST: '[::1]',
    MCPX_PORT: '0',
    SERVE_METRICS_PORT: ' 65535 ',
    ENABLE_METRICS: 'FALSE',
    MCPX_DATA_DIR: '/data',
    SERVERS_CONFIG_PATH: '/etc/mcp.json',
    APP_CONFIG_PATH: '',
    LOG_LEVEL: 'Debug',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(surroundings, {
    host: '::1',
    port: 0,
    metricsPort: 65_535,
    isMetricsEnabled: false,
    dataDir: '/data',
    serversPath: '/etc/mcp.json',
    appPath: 'config/app.yaml',
    logLevel: 'debug',
  });
});

const BAD: readonly [name: string, value: string, accepted: RegExp][] = [
  ['MCPX_PORT', '65536', /0 to 65535/],
  ['MCPX_PORT', '-1', /0 to 65535/],
  ['MCPX_PORT', '9000.5', /0 to 65535/],
  ['SERVE_METRICS_PORT', 'metrics', /0 to 65535/],
  ['ENABLE_METRICS', 'constructor', /true or false/],
  ['LOG_LEVEL', 'chatty', /trace, debug, info/],
  ['MCPX_HOST', 'http://127.0.0.1', /address or host name/],
  ['LUNAR_PROXY_HOST', 'http://lunar:8000', /host:port without a scheme/],
  ['LUNAR_PROXY_HOST', 'lunar', /host:port/],
  ['LUNAR_PROXY_HOST', 'lunar:0', /host:port/],
  ['LUNAR_PROXY_HOST', 'lunar:65536', /host:port/],
  ['LUNAR_PROXY_HOST', 'lunar:8000/path', /host:port/],
  ['LUNAR_PROXY_HOST', 'user@lunar:8000', /host:port/],
  ['LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS', '0', /whole number from 1/],
  ['LUNAR_EXIT_COOLDOWN_AFTER_SEC', 'soon', /seconds, from 0\.1/],
];

for (const [name, value, accepted] of BAD) {
  test(`${name}=${value} is an error that names the variable and what it accepts, and the default holds`, () => {
    const { surroundings, problems } = readEnvironment({ [name]: value });
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.severity, 'error');
    assert.equal(problems[0]?.file, name);
    assert.match(problems[0]?.message ?? '', accepted);
    assert.deepEqual(surroundings, readEnvironment({}).surroundings);
  });
}

test('a variable nothing obeys yet is a warning, not silence', () => {
  const { problems } = readEnvironment({ LUNAR_PROXY_SUPPORT_TLS: 'true' });
  assert.deepEqual(
    problems.map(({ severity, file }) => [severity, file]),
    [['warning', 'LUNAR_PROXY_SUPPORT_TLS']],
  );
});

test('the Lunar Gateway is read with what its interceptors have for defaults', () => {
  const from = (variables: Record<string, string>): unknown => lunarPlan((name) => variables[name]);
  assert.equal(from({}), undefined);
  assert.equal(from({ LUNAR_PROXY_HOST: '  ', LUNAR_EXIT_COOLDOWN_AFTER_SEC: '3' }), undefined);
  assert.deepEqual(from({ LUNAR_PROXY_HOST: ' lunar.internal:8000 ' }), {
    host: 'lunar.internal',
    port: 8000,
    failuresToCooldown: 5,
    cooldownMs: 10_000,
  });
  assert.deepEqual(
    from({
      LUNAR_PROXY_HOST: '[::1]:8000',
      LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS: '1',
      LUNAR_EXIT_COOLDOWN_AFTER_SEC: '0.5',
    }),
    { host: '[::1]', port: 8000, failuresToCooldown: 1, cooldownMs: 500 },
  );
});

test('child processes get what their own interceptors read of the Lunar Gateway, and no key for it', () => {
  const inherited = inheritedEnvironment({
    LUNAR_PROXY_HOST: 'lunar:8000',
    LUNAR_HANDSHAKE_PORT: '8081',
    LUNAR_ALLOW_LIST: 'api.example.com',
    LUNAR_API_KEY: 'secret',
  });
  assert.deepEqual(inherited, {
    LUNAR_PROXY_HOST: 'lunar:8000',
    LUNAR_HANDSHAKE_PORT: '8081',
    LUNAR_ALLOW_LIST: 'api.example.com',
  });
});
