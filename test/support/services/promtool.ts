import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';

/** The path of promtool, which comes with Prometheus and tests its alerts. */
export async function promtoolPath(): Promise<string> {
  return findOrInstall({
    title: 'promtool',
    find: () => findBinary(['promtool']),
    debianPackage: 'prometheus',
  });
}
