import { readFile } from 'node:fs/promises';
import { decodeFile, describeFileProblem } from '../config/secret-files.js';
import { ClientsFileError } from './clients-file.error.js';

/**
 * Reads `CLIENTS_FILE`.
 * @throws ClientsFileError if it cannot be read, is empty or is not UTF-8 text
 */
export async function readClientsFile(path: string): Promise<string> {
  try {
    return decodeFile(await readFile(path));
  } catch (error) {
    const problem = describeFileProblem(error as Error);
    throw new ClientsFileError([`it must be a file that can be read: ${problem}`]);
  }
}
