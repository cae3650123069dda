const EMOJI = ['😀', '🎉', '👍', '❤️', '🚀', '👩‍💻', '🔥', '✨', '🇩🇪', '🤷🏽‍♂️'];

/** Texts as tools answer with them, in several scripts; each of a few hundred characters. */
export const SAMPLES: Readonly<Record<string, string>> = {
  english: [
    'The gateway stands between agents and the servers they use. Every call is decided by a rule,',
    'checked against what the tool accepts, and written down with its outcome. An operator can see',
    'at any time who called what, how long each part took and what it cost. When a server becomes',
    "slow the others aren't affected: its calls wait in a queue of their own until it answers again.",
  ].join(' '),
  code: [
    'export function parseHeader(value: string | undefined): ReadonlyMap<string, string> {',
    '  const entries = new Map<string, string>();',
    "  for (const part of value?.split(';') ?? []) {",
    "    const [key, text] = part.trim().split('=', 2);",
    '    if (key === undefined || text === undefined) continue;',
    '    entries.set(key.toLowerCase(), decodeURIComponent(text));',
    '  }',
    '  return entries;',
    '}',
  ].join('\n'),
  json: JSON.stringify(
    Array.from({ length: 8 }, (_, at) => ({
      id: 4711 + at,
      title: `Fix the time-out of report ${at}`,
      labels: ['bug', 'priority:high'],
      assignee: { login: 'octocat', isActive: at % 2 === 0 },
      createdAt: `2026-11-0${at + 1}T09:15:00Z`,
    })),
  ),
  chinese:
    '网关位于智能体和它们使用的服务器之间。每一次调用都由一条规则决定，根据工具所接受的内容进行检查，' +
    '并连同结果一起记录下来。管理员可以随时看到是谁调用了什么、每个部分用了多长时间以及花费了多少。' +
    '当一台服务器变慢时，其他服务器不会受到影响：它的调用在自己的队列中等待，直到它再次响应。',
  japanese:
    'ゲートウェイはエージェントとサーバーの間にあります。すべての呼び出しは規則によって決定され、' +
    '結果とともに記録されます。管理者は、誰が何を呼び出したか、どれくらい時間がかかったかをいつでも確認できます。',
  russian:
    'Шлюз стоит между агентами и серверами, которыми они пользуются. Каждый вызов решается правилом,' +
    ' проверяется и записывается вместе с результатом. Администратор в любое время видит, кто что вызвал.',
  german:
    'Das Gateway steht zwischen den Agenten und den Servern, die sie benutzen. Über jeden Aufruf' +
    ' entscheidet eine Regel; er wird geprüft und mit seinem Ergebnis aufgezeichnet. Wer etwas aufgerufen' +
    ' hat, wie lange es gedauert und was es gekostet hat, lässt sich jederzeit nachlesen.',
  arabic:
    'تقف البوابة بين الوكلاء والخوادم التي يستخدمونها. تقرر قاعدة بشأن كل استدعاء، ويتم فحصه وتسجيله مع نتيجته.',
  emoji: Array.from({ length: 120 }, (_, at) => EMOJI[(at * 7) % EMOJI.length]).join(' '),
  log: Array.from(
    { length: 12 },
    (_, at) =>
      `2026-11-22T19:05:${10 + at}.${100 + at * 61}Z INFO worker-${at % 4} path=/api/v1/items/${at * 7919} status=200 took=${at * 13}ms`,
  ).join('\n'),
  base64: Buffer.from(
    Array.from({ length: 600 }, (_, at) => (at * 131 + at * at * 7) % 256),
  ).toString('base64'),
};
