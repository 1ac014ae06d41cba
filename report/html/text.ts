/** Text of the page: escaping, and figures that carry the place in the JSON that they come from. */

export function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** A figure of the report: shown as `text`, with the JSON pointer of its value in the embedded data. */
export function figure(path: string, value: number | string, text = grouped(Number(value))): string {
  return `<span data-path="${escape(path)}" data-value="${escape(String(value))}">${escape(text)}</span>`;
}

/** An integer in groups of three digits. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Ticks as microseconds. */
export function micros(ticks: number, tickHz: number): number {
  return (ticks / tickHz) * 1e6;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, list: readonly string[]): string =>
    list.map((cell) => `<${tag}>${cell}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table></div>`;
}
