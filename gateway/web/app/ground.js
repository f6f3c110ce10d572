/**
 * The island: paved disc, lawn, sand and the sea around it. The paving is drawn
 * in the fragment shader, so it is sharp at any distance and costs no texture.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { PAVED } from './layout.js';
import { SKY_GLSL } from './sky.js';

/** Height of the island at a distance from the middle: flat, a mound, then down under the sea.
 * @param {number} r metres @param {number} bearing radians @returns {number} metres */
export function terrainHeight(r, bearing) {
  if (r < PAVED + 0.6) return 0;
  const shore = 47 + 5 * Math.sin(bearing * 3 + 1) + 3 * Math.sin(bearing * 7);
  const mound = 0.75 * smooth(PAVED + 0.6, 29, r) * (0.75 + 0.5 * Math.sin(bearing * 5 + 2));
  return mound - 5 * smooth(34, shore + 12, r);
}

/** @param {number} a @param {number} b @param {number} x @returns {number} */
function smooth(a, b, x) {
  const t = Math.min(Math.max((x - a) / (b - a), 0), 1);
  return t * t * (3 - 2 * t);
}

const PAVING_GLSL = /* glsl */ `
varying vec3 vWorld;
float hash1(float n) { return fract(sin(n * 12.9898) * 43758.5453); }
float hash2(vec2 p) { return fract(sin(dot(p, vec2(127.1, 311.7))) * 43758.5453); }
float noise2(vec2 p) {
  vec2 i = floor(p), f = fract(p);
  f = f * f * (3.0 - 2.0 * f);
  return mix(mix(hash2(i), hash2(i + vec2(1, 0)), f.x), mix(hash2(i + vec2(0, 1)), hash2(i + vec2(1, 1)), f.x), f.y);
}
// Distance to the next joint along one axis, as how much of the pixel is joint.
float joint(float edge, float halfWidth, float pixel) {
  float line = 1.0 - smoothstep(halfWidth - pixel, halfWidth + pixel, edge);
  return line * clamp(halfWidth * 2.0 / max(pixel, 1e-4), 0.0, 1.0);
}
vec3 paving(vec2 p) {
  float r = length(p), a = atan(p.x, -p.y);
  float pixel = max(fwidth(p.x), fwidth(p.y)) * 0.7 + 1e-4;
  float period = 4.2, course = floor(r / period), q = r - course * period;
  bool band = q > 3.72;
  float row = band ? 4.0 : floor(q / 0.93);
  float rowIn = band ? q - 3.72 : q - row * 0.93, rowWidth = band ? 0.48 : 0.93;
  float id = course * 5.0 + row;
  float middle = course * period + row * 0.93 + rowWidth * 0.5;
  float n = max(6.0, floor(6.2832 * middle / (band ? 0.52 : 1.3)));
  float t = (a / 6.2832 + hash1(id)) * n;
  float stone = mod(floor(t), n), along = fract(t);
  float arc = 6.2832 * max(r, 0.3) / n;
  float gap = joint(min(rowIn, rowWidth - rowIn), 0.018, pixel);
  gap = max(gap, joint(min(along, 1.0 - along) * arc, 0.016, pixel));
  float tint = hash2(vec2(id, stone));
  vec3 c = mix(vec3(0.285, 0.275, 0.305), vec3(0.385, 0.365, 0.375), tint);
  c = mix(c, vec3(0.37, 0.31, 0.275), step(0.83, hash2(vec2(stone, id + 9.0))) * 0.7);
  if (band) c = mix(vec3(0.135, 0.130, 0.175), vec3(0.180, 0.165, 0.205), tint);
  float ray = abs(fract(a / 6.2832 * 8.0 + 0.5) - 0.5) * 6.2832 / 8.0 * r;
  if (r > 4.4 && !band) c = mix(c, vec3(0.52, 0.46, 0.43) * (0.93 + 0.14 * tint), 1.0 - smoothstep(0.24 - pixel, 0.24 + pixel, ray));
  c *= 0.92 + 0.16 * noise2(p * 2.3) ;
  return mix(c, vec3(0.115, 0.095, 0.115), gap * 0.85);
}
vec3 lawn(vec3 w) {
  float r = length(w.xz), n = noise2(w.xz * 0.35) * 0.6 + noise2(w.xz * 2.6) * 0.4;
  vec3 c = mix(vec3(0.085, 0.150, 0.098), vec3(0.155, 0.215, 0.105), n);
  float path = min(abs(w.x), abs(w.z)) + (noise2(w.xz * 1.4) - 0.5) * 0.5;
  float notStage = step(-2.0, w.z + step(2.5, abs(w.x)) * 1e3);
  c = mix(c, vec3(0.40, 0.32, 0.28) * (0.85 + 0.3 * n), (1.0 - smoothstep(1.35, 1.65, path)) * notStage);
  return mix(c, vec3(0.50, 0.40, 0.31) * (0.85 + 0.25 * n), 1.0 - smoothstep(-1.35, -0.75, w.y + n * 0.4));
}
// Light that lanterns, fountain and screen throw on the ground; the posts repeat every 45 degrees.
vec3 pools(vec2 p, float screen) {
  float r = length(p), a = mod(atan(p.x, -p.y), 0.785398) - 0.392699;
  float d = length(vec2(sin(a) * r, cos(a) * r - 12.0));
  vec3 c = vec3(1.0, 0.50, 0.17) * (exp(-d * d / 5.0) * 0.50 + exp(-d * d / 26.0) * 0.15);
  c += vec3(0.10, 0.55, 0.60) * exp(-pow(max(r - 2.9, 0.0), 2.0) / 1.6) * 0.40;
  vec2 s = vec2(p.x * 0.55, p.y + 18.5);
  return c + vec3(0.30, 0.36, 0.75) * screen * exp(-dot(s, s) / 26.0) * step(-21.2, p.y);
}`;

/** @returns {{mesh: THREE.Mesh, setScreenLight(v: number): void}} */
export function createGround() {
  const material = new THREE.MeshLambertMaterial();
  const screen = { value: 0.35 };
  material.onBeforeCompile = (shader) => {
    shader.uniforms.screenLight = screen;
    shader.vertexShader = shader.vertexShader
      .replace('#include <common>', '#include <common>\nvarying vec3 vWorld;')
      .replace('#include <begin_vertex>', '#include <begin_vertex>\nvWorld = (modelMatrix * vec4(position, 1.0)).xyz;');
    shader.fragmentShader = shader.fragmentShader
      .replace('#include <common>', `#include <common>\nuniform float screenLight;\n${PAVING_GLSL}`)
      .replace('#include <color_fragment>', `
        float radius = length(vWorld.xz);
        vec3 stone = radius < ${PAVED.toFixed(1)} ? paving(vWorld.xz) : vec3(0.50, 0.42, 0.38);
        float edge = radius - ${(PAVED + 0.45).toFixed(2)};
        diffuseColor.rgb = mix(stone, lawn(vWorld), smoothstep(-0.03, 0.03, edge));
        diffuseColor.rgb *= 0.55 + 0.45 * smoothstep(2.6, 3.6, radius);`)
      .replace('#include <emissivemap_fragment>', 'totalEmissiveRadiance += diffuseColor.rgb * pools(vWorld.xz, screenLight) * 1.5;');
  };
  const mesh = new THREE.Mesh(discGeometry([0, 3, 8.3, 13.7, 18.9, 20.6, 22, 24, 27, 30, 34, 38, 43, 48, 54, 62], 72), material);
  mesh.receiveShadow = true;
  return { mesh, setScreenLight: (v) => { screen.value = v; } };
}

/** @param {number[]} radii @param {number} segments @returns {THREE.BufferGeometry} */
function discGeometry(radii, segments) {
  const positions = [], index = [];
  for (const r of radii) {
    for (let s = 0; s <= segments; s++) {
      const a = s / segments * Math.PI * 2;
      positions.push(Math.sin(a) * r, terrainHeight(r, a), -Math.cos(a) * r);
    }
  }
  const row = segments + 1;
  for (let i = 0; i + 1 < radii.length; i++) {
    for (let s = 0; s < segments; s++) {
      const a = i * row + s, b = a + 1, c = a + row, d = c + 1;
      index.push(a, b, c, b, d, c);
    }
  }
  const g = new THREE.BufferGeometry();
  g.setAttribute('position', new THREE.Float32BufferAttribute(positions, 3));
  g.setIndex(index);
  g.computeVertexNormals();
  return g;
}

const SEA_FRAGMENT = /* glsl */ `
varying vec3 vWorld;
uniform float time;
${SKY_GLSL}
float wave(vec2 p, vec2 d, float f, float s) { return cos(dot(p, d) * f + time * s); }
void main() {
  vec3 ray = vWorld - cameraPosition;
  float far = length(ray);
  vec3 v = ray / far;
  float calm = 1.0 / (1.0 + far * 0.012);
  vec2 p = vWorld.xz;
  vec2 slope = vec2(wave(p, vec2(0.8, 0.6), 0.9, 1.1) + wave(p, vec2(-0.5, 0.86), 2.3, 1.7) * 0.6,
    wave(p, vec2(0.2, 0.98), 1.3, -1.3) + wave(p, vec2(0.94, -0.34), 2.9, 1.9) * 0.6) * 0.05 * calm;
  vec3 n = normalize(vec3(slope.x, 1.0, slope.y));
  vec3 r = reflect(v, n);
  r.y = abs(r.y) + 0.01;
  float fresnel = 0.12 + 0.88 * pow(1.0 - max(dot(-v, n), 0.0), 4.0);
  vec3 c = mix(vec3(0.020, 0.060, 0.095), skyColor(normalize(r)) * 0.8, fresnel);
  float s = max(dot(normalize(r), SUN_DIR), 0.0);
  c += vec3(2.6, 1.2, 0.45) * pow(s, 220.0);
  vec3 h = normalize(vec3(v.x, 0.015, v.z));
  c = mix(c, skyColor(h), smoothstep(70.0, 420.0, far) * 0.9);
  gl_FragColor = vec4(c, 1.0);
  #include <tonemapping_fragment>
  #include <colorspace_fragment>
}`;

/** @returns {{mesh: THREE.Mesh, update(seconds: number): void}} */
export function createSea() {
  const material = new THREE.ShaderMaterial({
    uniforms: { time: { value: 0 } },
    vertexShader: `varying vec3 vWorld;
void main() {
  vWorld = (modelMatrix * vec4(position, 1.0)).xyz;
  gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
}`,
    fragmentShader: SEA_FRAGMENT,
  });
  const mesh = new THREE.Mesh(new THREE.RingGeometry(36, 620, 64, 6), material);
  mesh.rotation.x = -Math.PI / 2;
  mesh.position.y = -1.6;
  return { mesh, update: (seconds) => { material.uniforms.time.value = seconds; } };
}
