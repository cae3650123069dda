import type { ConfigFile } from './config-file.ts';
import type { LookUp } from './environment.ts';
import { headerNameFault, headerValueFault } from './http-text.ts';
import type { Path } from './tree.ts';
import { ODD, resolved, type Value } from './value.ts';

/** A value of app.yaml: where it stands, and whether what it belongs to is switched on. */
export interface ValueSpot {
  readonly path: Path;
  readonly isOn: boolean;
}

/** Tells what is wrong with a text, undefined when nothing is. */
export type FaultOf = (text: string) => string | undefined;

/** Puts variables in their places in values of app.yaml; one that is not set is an error there, or a warning in what is switched off. */
export class AppValues {
  readonly file: ConfigFile;
  readonly lookUp: LookUp;

  constructor(file: ConfigFile, lookUp: LookUp) {
    this.file = file;
    this.lookUp = lookUp;
  }

  /** The text a value stands for; empty where a fault of it was reported. */
  text(value: Value, { path, isOn }: ValueSpot, faultOf: FaultOf = () => undefined): string {
    const { text, missing, hasOddity } = resolved(value, this.lookUp);
    if (hasOddity) this.file.warn(path, ODD);
    const complain = (message: string): void =>
      isOn ? this.file.error(path, message) : this.file.warn(path, message);
    for (const name of missing) complain(wanted(name));
    if (missing.length > 0) return '';
    const fault = faultOf(text);
    if (fault === undefined) return text;
    // What the file itself holds is wrong whether it is used or not.
    if (value === text) this.file.error(path, fault);
    else complain(`${fault} It comes from a variable of the environment: correct that.`);
    return '';
  }

  /** HTTP headers by name. */
  headers(
    values: Readonly<Record<string, Value>>,
    { path, isOn }: ValueSpot,
  ): Record<string, string> {
    const pairs = Object.entries(values).map(([name, value]): [string, string] => {
      const here = [...path, name];
      const fault = headerNameFault(name);
      if (fault !== undefined) this.file.error(here, fault, 'key');
      return [name, this.text(value, { path: here, isOn }, headerValueFault)];
    });
    return Object.fromEntries(pairs);
  }
}

function wanted(name: string): string {
  if (name.startsWith('input:')) return `This wants "${name}", but nobody can be asked here.`;
  return `This needs the environment variable ${name}, which is not set; set it, or remove this key.`;
}
