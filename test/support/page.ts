/** Reads a page of ours as a browser or a parser has it, and holds its figures against the JSON within. */
import { parseHTML } from 'linkedom';
import { expect } from 'vitest';

export interface Page {
  readonly document: Document;
  readonly data: unknown;
}

/** Just what is used of the DOM; the project has no DOM types. */
export interface Element {
  readonly textContent: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
}
export type Document = Element;

export function readPage(html: string): Page {
  const { document } = parseHTML(html) as unknown as { document: Document };
  return { document, data: JSON.parse(document.querySelector('#data')?.textContent ?? '') as unknown };
}

/** RFC 6901, without escapes. */
export function at(data: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], data);
}

/** Every figure is the value that its pointer names. @returns how many there are. */
export function checkFigures({ document, data }: Page): number {
  const figures = [...document.querySelectorAll('[data-path]')];
  for (const figure of figures) {
    const path = figure.getAttribute('data-path')!;
    const value = figure.getAttribute('data-value');
    expect(String(at(data, path)), path).toBe(value);
    // An integer that is shown as it is has all its digits.
    const shown = figure.textContent.replace(/,/g, '');
    if (/^\d+$/.test(shown) && /^\d+$/.test(value ?? '')) expect(shown, path).toBe(value);
  }
  return figures.length;
}

/** Nothing is fetched, run or linked to from elsewhere. */
export function checkAlone(html: string, { document }: Page): void {
  expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
  for (const selector of [
    'script:not([type="application/json"])',
    'link',
    'img',
    'iframe',
    'object',
    '[src]',
    '[href]',
  ])
    expect([...document.querySelectorAll(selector)].map(({ outerHTML }) => outerHTML)).toEqual([]);
  expect(html).not.toMatch(/@import|url\(\s*['"]?(?!#)/);
}

/** Bars of a plot with their titles: what they stand for, and their place. */
export function bars(
  document: Document,
  figure: string,
  width: 'wide' | 'narrow' = 'wide',
): { title: string; x: number; width: number }[] {
  return [
    ...(document.querySelector(`#${figure} svg.${width}`)?.querySelectorAll('g[aria-label="bar"] rect') ?? []),
  ].map((rect) => ({
    title: rect.querySelector('title')?.textContent ?? '',
    x: Number(rect.getAttribute('x')),
    width: Number(rect.getAttribute('width')),
  }));
}
