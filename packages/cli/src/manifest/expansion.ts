/**
 * `$(VAR)` in command, args and env, as the kubelet expands it (k8s.io/kubernetes/third_party/forked/golang/expansion):
 * `$(VAR)` is the variable or, when there is none, stays as it is; `$$` is one `$`; any other `$` is itself.
 */

export function expand(input: string, variables: ReadonlyMap<string, string>): string {
  return input.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => {
    if (whole === "$$") return "$";
    return variables.get(name as string) ?? whole;
  });
}
