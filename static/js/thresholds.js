// Thresholds: the draft's two lines follow the fields. Drawing only; every number comes from the server and goes back to it.

for (const name of ['review_at', 'approve_at']) {
  const field = document.getElementById(`id_${name}`);
  const line = document.getElementById(`d-${name}`);
  if (!field || !line) continue;
  const draw = () => {
    const value = field.valueAsNumber;
    const isDraft = value >= 0 && value <= 100 && value !== Number(field.defaultValue);
    line.setAttribute('visibility', isDraft ? 'visible' : 'hidden');
    if (isDraft) for (const end of ['x1', 'x2']) line.setAttribute(end, String(value * 10));
  };
  field.addEventListener('input', draw);
  draw();
}
