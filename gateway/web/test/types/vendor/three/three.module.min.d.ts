// The vendored build has no types of its own; those of the npm package serve.
export * from 'three';
