import type { Json, JsonObject } from './json.ts';

/** Who may reach what, as `permissions`, `toolGroups` and `rules` of app.yaml say. */
export interface AccessPlan {
  /** What holds for callers that no other entry is for. */
  readonly default: GrantPlan;
  readonly consumers: Readonly<Record<string, ConsumerPlan>>;
  /** By the name a client gives itself, which proves nothing. */
  readonly clientNames: Readonly<Record<string, GrantPlan>>;
  /** Tool groups by name. */
  readonly groups: Readonly<Record<string, GroupPlan>>;
  readonly rules: readonly RulePlan[];
  readonly tests: readonly AccessTest[];
}

/** One entry of `permissions`, whichever of the three forms it was written in. */
export interface GrantPlan {
  /** Where it stands, such as `permissions.default`; the record names it. */
  readonly id: string;
  /** What holds for all that none of its groups names. */
  readonly base: 'allow' | 'block';
  /** Tool groups it allows. */
  readonly allow: readonly string[];
  /** Tool groups it blocks: a block wins over every allow. */
  readonly block: readonly string[];
}

/** One entry of `permissions.consumers`. */
export interface ConsumerPlan {
  /** Undefined where the entry says no more than which group the consumer belongs to. */
  readonly grant: GrantPlan | undefined;
  /** `consumerGroupKey`: the name of another entry, which holds for this consumer too. */
  readonly memberOf: string | undefined;
}

/** A named set of things: by server (in lower case) all of it, or names of tools and prompts and URIs of resources. */
export interface GroupPlan {
  readonly name: string;
  readonly services: Readonly<Record<string, '*' | readonly string[]>>;
}

/** One entry of `rules`. Undefined selectors select everything; a target needs to be named by one of the name selectors. */
export interface RulePlan {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  /** `shadow` only records what the rule would have done. */
  readonly mode: 'enforce' | 'shadow';

  /** Selectors of callers; all that are given must hold. */
  readonly consumers: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly clients: readonly string[] | undefined;
  /** OAuth scopes, all of which the caller's token must have. */
  readonly scopes: readonly string[] | undefined;

  /** Selectors that narrow: servers by glob (any case), and annotations of tools by their values. */
  readonly servers: readonly string[] | undefined;
  readonly annotations: Readonly<Record<string, Json>> | undefined;

  /** Selectors by name, of which one must hold: globs `server/name` or `server/uri`, features a server asks for, groups. */
  readonly tools: readonly string[] | undefined;
  readonly prompts: readonly string[] | undefined;
  readonly resources: readonly string[] | undefined;
  /** `elicitation`, `sampling`, `roots` or `*`. */
  readonly asks: readonly string[] | undefined;
  readonly toolGroups: readonly string[] | undefined;

  /** A condition in CEL. */
  readonly when: string | undefined;
}

/** One assertion of `tests`: what a caller may or may not do under this configuration. */
export interface AccessTest {
  readonly name: string;
  /** Line of app.yaml, 1-based. */
  readonly line: number | undefined;
  readonly caller: {
    readonly consumer: string | undefined;
    readonly groups: readonly string[];
    readonly scopes: readonly string[];
    readonly client: string | undefined;
    readonly claims: JsonObject | undefined;
  };
  /** The moment at which it is judged, in milliseconds since the epoch; now when undefined. */
  readonly at: number | undefined;
  readonly checks: readonly AccessCheck[];
}

/** One thing a test asserts. */
export interface AccessCheck {
  readonly isAllowed: boolean;
  readonly kind: 'tool' | 'prompt' | 'resource';
  /** `server/name` or `server/uri`. */
  readonly target: string;
  readonly args: JsonObject | undefined;
  /** Annotations of the tool, for where its server has not been seen yet. */
  readonly annotations: JsonObject | undefined;
}

/** How callers prove themselves. */
export interface AuthPlan {
  /** Whether every caller must. */
  readonly isOn: boolean;
  /** Header that carries an API key, in lower case. */
  readonly header: string;
  /** The one key many may share, from API_KEY or AUTH_KEY. */
  readonly sharedKey: string | undefined;
  readonly issuers: readonly IssuerPlan[];
  /** Consumers and groups that may read the admin API; the shared key always may. */
  readonly admins: { readonly consumers: readonly string[]; readonly groups: readonly string[] };
  /** Whether metrics are served without a credential. */
  readonly hasPublicMetrics: boolean;
}

/** One issuer of tokens that is believed. */
export interface IssuerPlan {
  /** As the `iss` claim has it. */
  readonly issuer: string;
  /** Values of `aud` of which a token needs one. */
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** Name or dotted path of the claim that names the consumer; undefined when tokens name none. */
  readonly consumerClaim: string | undefined;
  readonly groupsClaim: string | undefined;
  /** Consumers that tokens of this issuer may name; undefined: any. */
  readonly consumers: readonly string[] | undefined;
  /** Scopes every token needs. */
  readonly requiredScopes: readonly string[];
  /** Where its keys are; found by discovery when undefined. */
  readonly jwksUri: string | undefined;
  readonly clockToleranceSec: number;
}

/** Tools made from other tools: by server (in lower case) and tool. */
export type ExtensionsPlan = Readonly<Record<string, Readonly<Record<string, ExtensionPlan>>>>;

/** What is made of one tool. */
export interface ExtensionPlan {
  /** Whether the tool itself is no longer offered. */
  readonly isReplaced: boolean;
  readonly children: readonly ChildToolPlan[];
}

/** A tool made from another one. */
export interface ChildToolPlan {
  readonly name: string;
  readonly title: string | undefined;
  readonly description:
    | { readonly action: 'rewrite' | 'append'; readonly text: string }
    | undefined;
  /** Laid over the parent's. */
  readonly annotations: JsonObject | undefined;
  readonly params: Readonly<Record<string, ParamPlan>>;
}

/** What is done to one parameter; its key is the parent's name of it. */
export interface ParamPlan {
  /** Fixed: gone from the schema. Strings in it may hold `${principal.name}`. Wrapped, for null is a value too. */
  readonly fixed: { readonly value: Json } | undefined;
  /** Sent where the caller gives none. */
  readonly default: { readonly value: Json } | undefined;
  readonly isHidden: boolean;
  readonly rename: string | undefined;
  readonly description: string | undefined;
  /** Further JSON Schema keywords: enum, minimum, maximum, pattern and their like. */
  readonly constraints: JsonObject | undefined;
}
