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
};
