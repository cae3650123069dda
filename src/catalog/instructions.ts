import type { Supplier } from './snapshot.ts';

/** The instructions of all servers, each under its server's name, within a number of characters; undefined when there are none. */
export function joinedInstructions(
  suppliers: readonly Supplier[],
  maxChars: number,
): string | undefined {
  const sections: string[] = [];
  let left = maxChars;
  for (const { name, inventory } of suppliers) {
    const text = inventory.facts.instructions?.trim();
    if (text === undefined || text === '') continue;
    const section = `# ${name}\n\n${text}`;
    if (section.length > left) {
      sections.push(`${section.slice(0, Math.max(0, left - 1))}…`);
      break;
    }
    sections.push(section);
    left -= section.length;
  }
  return sections.length === 0 ? undefined : sections.join('\n\n');
}
