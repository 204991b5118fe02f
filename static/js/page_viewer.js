// The compare viewer inside a page that scrolls: the editing page and the image page.
import { compare } from './compare.js';
import { hints } from './hint.js';
import { bindKeys, markButtons } from './keymap.js';

/** Shows `item` in the compare card `root`; the page's #live hears what is said. */
export function startViewer(root, item) {
  const stage = root.querySelector('.stage');
  const hint = hints(stage);
  const say = (text) => { document.getElementById('live').textContent = text; };
  const tools = compare(root, stage, say, (text) => { say(text); hint(text); });
  const { viewer, handlers } = tools;
  viewer.show(item).ready.then(() => { stage.dataset.shown = item.key; });
  const singles = root.dataset.keys !== 'off';
  // On a page that scrolls, arrows and Space belong to the page unless the stage has the focus.
  const onStage = (run) => (event) => { if (stage.contains(event.target)) run(event); };
  for (const name of ['left', 'right', 'up', 'down', 'peek', 'cancel']) handlers[name] = onStage(handlers[name]);
  const usable = bindKeys(handlers, { singles, before: (event) => /^(Arrow|Escape| )/.test(event.key) && !stage.contains(event.target) });
  markButtons(root, usable, { singles });
  return tools;
}
