/** An example for each section of app.yaml that a table alone cannot explain. They are loaded together by a test. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  auth: `
auth:
  enabled: true
  jwt:
    - issuer: https://login.example.com
      consumerClaim: sub
      groupsClaim: groups
`,
  permissions: `
permissions:
  default: { allow: [] }                        # whoever no entry is for reaches nothing
  consumers:
    developers: { allow: [reading] }            # these groups and nothing else
    alice: { consumerGroupKey: developers }     # whatever holds for developers
    admins: { block: [] }                       # everything
  clientNames:
    Cursor: { block: [messages] }               # everything but these groups
`,
  toolGroups: `
toolGroups:
  - name: reading
    services:
      slack: [list_channels, "slack://channels"]
      calendar: "*"
  - { name: messages, services: { slack: [post_message] } }
`,
  rules: `
rules:
  - id: nothing-destructive-at-night
    effect: deny
    consumers: [developers]
    annotations: { destructiveHint: true }
    when: now.hour >= 22 || now.hour < 6
  - id: own-folder
    effect: allow
    groups: [developers]
    tools: ["files/read_*"]
    when: args.path.within('/srv/' + principal.name)
  - id: no-sampling
    effect: deny
    mode: shadow                                # recorded, not enforced
    asks: [sampling]
`,
  tests: `
tests:
  - name: developers read and do not write
    consumer: alice
    may: [slack/list_channels, { tool: files/read_file, args: { path: /srv/alice/notes.md } }]
    mayNot: [slack/post_message]
    at: 2026-01-31T12:00
`,
  toolExtensions: `
toolExtensions:
  services:
    slack:
      post_message:
        replace: true                           # post_message itself is no longer offered
        childTools:
          - name: post_to_general
            description: { action: append, text: The channel is always general. }
            overrideParams:
              channel: general                  # fixed, gone from the schema
              author: { value: "\${principal.name}" }
              text: { maxLength: 500 }
              thread_ts: { hidden: true }
`,
  limits: `
limits:
  showState: true                               # callers see what is left
  rules:
    - id: crawl-gently
      servers: [slack]
      per: [caller]
      rate: { calls: 100, per: 1m, burst: 20 }
    - { id: one-at-a-time, tools: ["files/write_*"], per: [consumer, tool], concurrency: 1 }
    - id: day-of-developers
      groups: [developers]
      per: [consumer]
      budget: { window: day, tokens: 2000000, cost: 5 }
      warnAt: 0.9
    - { id: short-answers, mode: shadow, maxResultBytes: 200000 }
`,
  audit: `
audit:
  arguments: hash
  onFailure: refuse                             # no call without a record
  retention: { maxAgeDays: 90, maxBytes: 10737418240 }
  syslog: { host: siem.example.com, protocol: tls }
`,
  logging: `
logging:
  level: info
  layers: { upstream: debug, exchange: warn }   # more of the servers, no line for each exchange
`,
  tracing: `
tracing:
  enabled: true
  endpoint: https://otlp.example.com/v1/traces
  headers: { Authorization: "Bearer \${OTLP_TOKEN}" }
  sampleRatio: 0.1
`,
  tokens: `
tokens:
  model: openai/gpt-5                           # of callers that name none
  consumers: { alice: anthropic/claude-sonnet-4-5 }
  prices:
    - { provider: openai, model: "gpt-5*", input: 1.25, output: 10 }
    - { provider: local, model: "*", input: 0, output: 0, encoding: cl100k_base }
`,
  usage: `
usage:
  database: \${USAGE_DATABASE_URL}
  retention: { minuteDays: 2, hourDays: 60, dayDays: 730 }
`,
};
