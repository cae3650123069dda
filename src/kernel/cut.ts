/** Stands where the rest of a text was left out, so that whoever shows it knows that its last word may be a part of one. */
export const CUT = '…';

/** At most this many characters of a text, with the mark of a cut behind them where there were more. */
export function cutOff(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}${CUT}`;
}
