/**
 * The fountain in the middle: stone, rippling water, drops computed in the vertex shader.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Mesher, place } from './mesher.js';
import { FOUNTAIN } from './layout.js';
import { SKY_GLSL } from './sky.js';
import { glowTexture } from './plaza.js';

const STONE = ['#7d6a6c', '#bba598'], LIP = '#d3bdac';

/** @param {THREE.Material} stone takes vertex colours
 * @returns {{group: THREE.Group, update(seconds: number, pixels: number): void}} pixels: height of the picture, for the size of drops */
export function createFountain(stone) {
  const group = new THREE.Group(), time = { value: 0 }, pixels = { value: 800 };
  const light = new THREE.PointLight('#5fd0d8', 5, 9, 1.6);
  light.position.set(0, 1.15, 0);
  group.add(masonry(stone), water(time, FOUNTAIN.radius - 0.32, 0.5), water(time, 0.92, 1.62), drops(time, pixels), light);
  return { group, update: (seconds, height) => { time.value = seconds; pixels.value = height; } };
}

/** @param {THREE.Material} stone @returns {THREE.Mesh} */
function masonry(stone) {
  const m = new Mesher(), R = FOUNTAIN.radius;
  const lathe = (/** @type {[number, number][]} */ points, segments = 28) => new THREE.LatheGeometry(points.map(([x, y]) => new THREE.Vector2(x, y)), segments);
  m.add(lathe([[R + 0.35, 0], [R + 0.35, 0.16], [R + 0.02, 0.18], [R - 0.05, 0.5], [R - 0.02, 0.56]], 16), /** @type {[string, string]} */ (STONE), place(0, 0, 0));
  m.add(lathe([[R + 0.06, 0.56], [R + 0.08, 0.66], [R - 0.3, 0.68], [R - 0.32, 0.3]], 16), LIP, place(0, 0, 0));
  m.add(lathe([[0.62, 0.3], [0.5, 0.75], [0.26, 0.95], [0.22, 1.25], [0.45, 1.42], [1.02, 1.58], [1.06, 1.68], [0.94, 1.68], [0.6, 1.55], [0, 1.5]]),
    /** @type {[string, string]} */ (STONE), place(0, 0, 0), { smooth: true });
  m.add(lathe([[0.24, 1.5], [0.14, 1.75], [0.2, 1.95], [0.28, 2.05], [0.1, 2.18], [0.12, 2.28], [0, 2.4]], 16), LIP, place(0, 0, 0), { smooth: true });
  return m.build(stone);
}

/** @param {{value: number}} time @param {number} radius @param {number} y @returns {THREE.Mesh} */
function water(time, radius, y) {
  const material = new THREE.ShaderMaterial({
    uniforms: { time },
    vertexShader: `varying vec3 vWorld;
void main() {
  vWorld = (modelMatrix * vec4(position, 1.0)).xyz;
  gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
}`,
    fragmentShader: /* glsl */ `
varying vec3 vWorld;
uniform float time;
${SKY_GLSL}
void main() {
  vec2 p = vWorld.xz;
  float r = length(p), a = atan(p.x, p.y);
  float ring = sin(r * 13.0 - time * 5.0 + sin(a * 6.0 + time) * 0.7) * smoothstep(3.0, 0.9, r);
  float chop = sin(p.x * 7.0 + time * 1.7) * sin(p.y * 8.0 - time * 1.3);
  vec2 dir = p / max(r, 0.05);
  vec3 n = normalize(vec3(dir.x * ring * 0.10 + chop * 0.03, 1.0, dir.y * ring * 0.10 - chop * 0.03));
  vec3 v = normalize(vWorld - cameraPosition), q = reflect(v, n);
  q.y = abs(q.y) + 0.02;
  float fresnel = 0.10 + 0.75 * pow(1.0 - max(dot(-v, n), 0.0), 3.0);
  vec3 deep = vec3(0.03, 0.30, 0.34) + vec3(0.10, 0.42, 0.42) * (0.5 + 0.5 * ring) * exp(-r * 0.7);
  vec3 c = mix(deep, skyColor(normalize(q)), fresnel);
  c += vec3(0.8, 0.9, 0.9) * smoothstep(0.85, 1.0, ring) * 0.12;
  gl_FragColor = vec4(c, 1.0);
  #include <tonemapping_fragment>
  #include <colorspace_fragment>
}`,
  });
  const mesh = new THREE.Mesh(new THREE.CircleGeometry(radius, 32), material);
  mesh.rotation.x = -Math.PI / 2;
  mesh.position.y = y;
  return mesh;
}

/** Eight arcs from the upper bowl into the basin, and a spray on top. @param {{value: number}} time @param {{value: number}} pixels @returns {THREE.Points} */
function drops(time, pixels) {
  const count = 720, seeds = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) seeds.set([i % 8, ((i * 0.618034) % 1), ((i * 0.754878) % 1)], i * 3);
  const g = new THREE.BufferGeometry();
  g.setAttribute('position', new THREE.BufferAttribute(seeds, 3));
  const material = new THREE.ShaderMaterial({
    uniforms: { time, pixels, map: { value: glowTexture() } },
    vertexShader: /* glsl */ `
uniform float time;
uniform float pixels;
varying float vLife;
void main() {
  float arm = position.x, t = fract(position.y + time * 0.9), s = position.z;
  bool top = s > 0.8;
  float speed = top ? 0.75 : 1.35, up = top ? 2.7 : 0.9;
  float a = (arm + (s - 0.31) * (top ? 2.6 : 0.16)) * 0.785398;
  float life = t * (top ? 0.62 : 0.62);
  float out0 = top ? 0.06 : 0.98, y0 = top ? 2.35 : 1.7;
  float r = out0 + speed * life * (0.94 + 0.12 * fract(s * 17.0));
  vec3 p = vec3(sin(a) * r, y0 + up * life - 4.9 * life * life, cos(a) * r);
  vLife = 1.0 - t * 0.6;
  vec4 mv = viewMatrix * modelMatrix * vec4(p, 1.0);
  gl_Position = projectionMatrix * mv;
  gl_PointSize = (top ? 0.035 : 0.045 + 0.03 * s) * projectionMatrix[1][1] * 0.52 * pixels / -mv.z;
}`,
    fragmentShader: `uniform sampler2D map;
varying float vLife;
void main() { gl_FragColor = vec4(vec3(0.72, 0.86, 0.92) * vLife, 1.0) * texture2D(map, gl_PointCoord).r * 0.7; }`,
    transparent: true, blending: THREE.AdditiveBlending, depthWrite: false,
  });
  const points = new THREE.Points(g, material);
  points.frustumCulled = false;
  return points;
}
