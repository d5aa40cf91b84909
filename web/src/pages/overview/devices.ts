/** Which disks and network interfaces make up the sum, so that no byte is counted twice. */

/** Whole disks: no loop devices or RAM disks, and no partition of a disk that is in the list, nor what is stacked on disks. */
export function wholeDisks(names: readonly string[]): string[] {
  const real = names.filter((name) => !/^(loop|ram|zram|fd|sr|dm-|md)\d*/.test(name));
  const whole = real.filter((name) => {
    const parent = /^(.*\d)p\d+$/.exec(name)?.[1] ?? /^([a-z]+)\d+$/.exec(name)?.[1];
    return parent === undefined || !real.includes(parent);
  });
  return (whole.length > 0 ? whole : [...names]).sort();
}

/** Interfaces to the outside: neither loopback nor the bridges and pairs of containers and virtual machines. */
export function outerInterfaces(names: readonly string[]): string[] {
  const outside = names.filter((name) => name !== "lo" && name !== "all");
  const real = outside.filter(
    (name) => !/^(veth|docker|br-|virbr|cni|flannel|cali|vnet|lxc|lxd|podman|tap|dummy|ifb)/.test(name),
  );
  return (real.length > 0 ? real : outside.length > 0 ? outside : [...names]).sort();
}
