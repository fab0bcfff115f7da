/** From a document to what is searched: passages, whose words are reduced to their stems. */
import { stemmer } from "stemmer";

/** How passages are indexed, and what is shown of them. Part of the fingerprint of the job. */
export const INDEX = { fields: ["terms"], storeFields: ["document", "text"] };

export const stems = (text) => (text.toLowerCase().match(/[a-z][a-z0-9]+/g) ?? []).map(stemmer);

/** Paragraphs of a document. */
export function passagesOf(document, text) {
  return text
    .split(/\n\s*\n/)
    .map((passage) => passage.trim())
    .filter((passage) => passage !== "")
    .map((passage, nth) => ({ id: `${document}#${nth}`, document, text: passage, terms: stems(passage).join(" ") }));
}
