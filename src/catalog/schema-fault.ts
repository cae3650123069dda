/** Why a custom tool cannot be described truly; the message ends a sentence that begins with the tool's name. */
export class SchemaFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaFault';
  }
}
