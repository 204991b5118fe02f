// Batch list: the page lights up under a drag and leads to the form, because a batch needs a client before its files.

const line = document.getElementById('dropline');
let depth = 0;

if (line) {
  document.addEventListener('dragenter', (event) => { event.preventDefault(); depth += 1; line.classList.add('over'); });
  document.addEventListener('dragleave', () => { depth -= 1; if (depth <= 0) line.classList.remove('over'); });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => { event.preventDefault(); location.href = line.href; });
}
