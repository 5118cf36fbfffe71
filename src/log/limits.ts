/** How much of what is logged is kept. Every number bounds memory, or the time that one record can take. */

/** Fields of a record. */
export const MAX_FIELDS = 32;
/** Characters of a message, and of a field. */
export const MAX_TEXT = 500;
/** Characters of a text that are looked at for secrets; the others are cut before. */
export const MAX_READ = 2_048;
/** Characters of a field's name, and of a text within an object. */
export const MAX_INNER_TEXT = 80;
/** Levels of an object. */
export const MAX_DEPTH = 3;
/** Entries of an object or a list. */
export const MAX_ENTRIES = 10;
/** Errors of a chain of causes. */
export const MAX_CAUSES = 4;
/** Categories, and rules of their levels, that are told apart. */
export const MAX_CATEGORIES = 256;
