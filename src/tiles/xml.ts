/** Texts in XML. */

/** What XML 1.0 has no way to write (section 2.2), and halves of surrogate pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** Whether a text can stand in XML. */
export function fitsXml(text: string): boolean {
  return !NOT_IN_XML.test(text);
}

/** The text as it stands in an element or attribute. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"'\t\n\r]/g, (letter) => ESCAPES[letter] ?? letter);
}

const LETTERS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ESCAPES).map(([letter, escaped]) => [escaped, letter]),
);

/** The reverse of {@link escapeXml}. */
export function unescapeXml(text: string): string {
  return text.replace(/&[#a-z0-9]+;/g, (escaped) => LETTERS[escaped] ?? escaped);
}
