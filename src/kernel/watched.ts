/** What of a server is watched for changes: URIs of resources, and ids of tasks, both its own. */
export interface Watched {
  readonly resources: readonly string[];
  readonly tasks: readonly string[];
}
