/** The folder of registration files, as it is on the disk now: each file read or refused alone. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../base/error.ts';
import { parseServiceFile, type ServiceFile } from './service-file.ts';

/** Files that count; further ones, by name, are refused. */
export const filesMax = 1_000;
/** Bytes of one file. */
export const fileBytesMax = 1024 * 1024;

export interface FolderFile extends ServiceFile {
  /** Its name within the folder. */
  readonly name: string;
}

/**
 * All files that end with .json and do not begin with a dot, by name.
 *
 * @throws as node:fs does when the folder cannot be listed
 */
export function readServiceFolder(folder: string): readonly FolderFile[] {
  const names = fs.readdirSync(folder).filter(isServiceFile).sort();
  return names.map((name, index) => {
    if (index < filesMax) return { name, ...readServiceFile(join(folder, name)) };
    const many = `there are ${names.length} files, and ${filesMax} is the most`;
    return { name, ...problem(join(folder, name), `${many}: put several instances into one`) };
  });
}

/** One file, whatever it is called; what cannot be read is a problem of it like any other. */
export function readServiceFile(path: string): ServiceFile {
  try {
    const stat = fs.statSync(path);
    // To read a pipe would wait for its writer, and the whole daemon with it.
    if (!stat.isFile()) return problem(path, 'it is no regular file');
    if (stat.size > fileBytesMax)
      return problem(path, `its ${stat.size} bytes are more than the ${fileBytesMax} allowed`);
    return parseServiceFile(path, fs.readFileSync(path, 'utf8'));
  } catch (error) {
    return problem(path, `it cannot be read: ${errorText(error)}`);
  }
}

function isServiceFile(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.');
}

function problem(path: string, what: string): ServiceFile {
  return { wishes: [], problems: [`${path}: ${what}`] };
}
