// Batch list: the page lights up under a drag and leads to the form, because a batch needs a client before its files. The form
// says that they are to be dropped once more.

const line = document.getElementById('dropline');
let depth = 0;

if (line) {
  document.addEventListener('dragenter', (event) => { event.preventDefault(); depth += 1; line.classList.add('over'); });
  document.addEventListener('dragleave', () => { depth -= 1; if (depth <= 0) line.classList.remove('over'); });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    const isFiles = [...event.dataTransfer.types].includes('Files');
    location.href = isFiles ? `${line.href}?dropped=1` : line.href;
  });
}
