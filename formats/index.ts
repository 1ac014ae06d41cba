export { FormatError } from './format-error.js';
export * from './fdt.js';
export * from './elf.js';
export * from './image.js';
export * from './cpio.js';
