import { findBinary } from './binaries';
import { obtain } from './obtain';

/** The path of promtool, which comes with Prometheus and tests its alerts. */
export async function promtoolPath(): Promise<string> {
  return obtain({
    title: 'promtool',
    find: () => findBinary(['promtool']),
    debianPackage: 'prometheus',
  });
}
