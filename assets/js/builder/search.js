// Which entries of the catalogue fit what was typed, best first.

const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

// Lower is better; null when some word is nowhere.
function rank(entry, words) {
  const label = fold(entry.label);
  const all = fold([entry.label, entry.name ?? "", entry.group ?? "", ...(entry.words ?? [])].join(" "));
  let sum = 0;
  for (const word of words) {
    if (label.startsWith(word)) sum += 0;
    else if (label.includes(` ${word}`)) sum += 1;
    else if (label.includes(word)) sum += 2;
    else if (all.includes(word)) sum += 3;
    else return null;
  }
  return sum;
}

export function searchEntries(entries, text, most = 60) {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (!words.length) return entries.slice(0, most);
  return entries
    .map((entry, at) => ({ entry, at, rank: rank(entry, words) }))
    .filter((found) => found.rank !== null)
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, most)
    .map((found) => found.entry);
}
