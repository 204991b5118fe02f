// Words a person reads, ready for translation: `gettext` and `ngettext` are what Django's makemessages looks for. The catalogue
// is the page's /jsi18n/ script, which English does without. {names} are filled in after translation.

const catalog = () => globalThis.django;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values?.[name] ?? whole);
const language = document.documentElement.lang || 'en';

/** A whole number as people of the page's language write it. */
export const number = (value) => value.toLocaleString(language);

/** One sentence, translated, with its {names} filled in. */
export const gettext = (text, values) => fill(catalog()?.gettext?.(text) ?? text, values);

/** A sentence with a number: {count} is written as the language does. */
export function ngettext(one, many, count, values) {
  const text = catalog()?.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(text, { count: number(count), ...values });
}
