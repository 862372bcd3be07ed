import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';

/** The path of kubectl, whose `kustomize` needs no cluster; components need version 1.21. */
export async function kubectlPath(): Promise<string> {
  return findOrInstall({
    title: 'kubectl, 1.21 or later',
    find: () => findBinary(['kubectl']),
    debianPackage: 'kubernetes-client',
  });
}
