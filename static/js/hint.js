// A few words on a stage that leave by themselves: why something could not be done.

const SHORTEST_MS = 3000;
const A_LETTER_MS = 60; // a longer sentence takes longer to read

/** A function that shows words in #hint of `stage`; whoever uses it says them to those who don't look. */
export function hints(stage) {
  const brief = stage.querySelector('#hint');
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    brief.textContent = text;
    brief.hidden = false;
    timer = setTimeout(() => { brief.hidden = true; }, Math.max(SHORTEST_MS, text.length * A_LETTER_MS));
  };
}
