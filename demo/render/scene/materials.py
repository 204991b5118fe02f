"""Procedural materials. Object coordinates (1 unit = 10 cm), so that grain sizes are physical."""

import bpy


class Nodes:
    """Thin wrapper that makes node trees readable."""

    def __init__(self, name):
        self.mat = bpy.data.materials.new(name)
        self.mat.use_nodes = True
        self.tree = self.mat.node_tree
        self.bsdf = self.tree.nodes["Principled BSDF"]
        self.out = self.tree.nodes["Material Output"]

    def new(self, kind, inputs=None, **props):
        node = self.tree.nodes.new(kind)
        for key, val in props.items():
            setattr(node, key, val)
        for key, val in (inputs or {}).items():
            self.put(node, key, val)
        return node

    def put(self, node, key, val):
        """Set a value or link a socket."""
        if isinstance(val, bpy.types.NodeSocket):
            self.tree.links.new(val, node.inputs[key])
        else:
            node.inputs[key].default_value = val

    def set(self, **values):
        for key, val in values.items():
            self.put(self.bsdf, key.replace("_", " "), val)
        return self

    def coords(self, scale=(1, 1, 1), kind="Object"):
        tex = self.new("ShaderNodeTexCoord")
        return self.new("ShaderNodeMapping", {"Vector": tex.outputs[kind], "Scale": scale}).outputs[0]

    def noise(self, scale, detail=3.0, stretch=(1, 1, 1), rough=0.5, distortion=0.0):
        return self.new(
            "ShaderNodeTexNoise",
            {
                "Vector": self.coords(stretch),
                "Scale": scale,
                "Detail": detail,
                "Roughness": rough,
                "Distortion": distortion,
            },
        ).outputs["Fac"]

    def ramp(self, fac, stops):
        node = self.new("ShaderNodeValToRGB", {"Fac": fac})
        els = node.color_ramp.elements
        while len(els) < len(stops):
            els.new(0.5)
        for el, (pos, col) in zip(els, stops, strict=True):
            el.position = pos
            el.color = (*col, 1.0) if len(col) == 3 else col
        return node.outputs["Color"]

    def span(self, fac, low, high):
        """Map a 0.3..0.7 noise to low..high."""
        return self.new(
            "ShaderNodeMapRange", {"Value": fac, "From Min": 0.3, "From Max": 0.7, "To Min": low, "To Max": high}
        ).outputs[0]

    def math(self, op, a, b):
        node = self.new("ShaderNodeMath", operation=op)
        self.put(node, 0, a)
        self.put(node, 1, b)
        return node.outputs[0]

    def bump(self, height, strength, distance=0.01, under=None):
        ins = {"Height": height, "Strength": strength, "Distance": distance}
        if under is not None:
            ins["Normal"] = under
        return self.new("ShaderNodeBump", ins).outputs[0]


def rgb(color):
    """'#rrggbb' (sRGB) or a linear tuple -> linear RGBA."""
    if not isinstance(color, str):
        return (*color[:3], 1.0)
    vals = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return (*[v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in vals], 1.0)


def _vary(color, amount):
    return tuple(min(1.0, c * amount) for c in rgb(color)[:3])


def plain(color, rough=0.5, metal=0.0, spec=0.5, coat=0.0, micro=0.06, grain=0.0, grain_scale=60.0, coat_rough=0.05):
    """Paint, plastic, metal: roughness varies a little, optional fine grain."""
    n = Nodes("plain")
    n.set(Base_Color=rgb(color), Metallic=metal, Specular=spec, Clearcoat=coat, Clearcoat_Roughness=coat_rough)
    n.set(Roughness=n.span(n.noise(3.0, 5.0), max(0.02, rough - micro), rough + micro))
    if grain:
        n.set(Normal=n.bump(n.noise(grain_scale, 2.0), grain, 0.004))
    return n.mat


def ceramic(color, speck=None, rough=0.16, wobble=0.05):
    """Glaze: slow unevenness, pinholes, optional iron specks."""
    n = Nodes("ceramic")
    tone = n.ramp(n.noise(2.2, 4.0), [(0.35, _vary(color, 0.88)), (0.65, _vary(color, 1.06))])
    if speck:
        dots = n.ramp(n.noise(75.0, 1.0), [(0.70, (0, 0, 0)), (0.74, (0.8, 0.8, 0.8))])
        mix = n.new("ShaderNodeMixRGB", {"Fac": dots, "Color1": tone, "Color2": rgb(speck)})
        tone = mix.outputs[0]
    n.set(Base_Color=tone, Roughness=n.span(n.noise(5.0, 4.0), rough - 0.04, rough + 0.08), Specular=0.5)
    n.set(Normal=n.bump(n.noise(1.6, 2.0), wobble, 0.3))
    return n.mat


def dipped(color, raw, speck, level):
    """Two-tone stoneware: glaze above a wavy line, bare speckled clay below."""
    n = Nodes("dipped")
    z = n.new("ShaderNodeSeparateXYZ", {0: n.coords()}).outputs["Z"]
    line = n.math("ADD", z, n.math("MULTIPLY", n.noise(1.6, 2.0), 0.09))
    top = n.new("ShaderNodeMapRange", {"Value": line, "From Min": level + 0.040, "From Max": level + 0.046}).outputs[0]
    tone = n.ramp(n.noise(2.2, 4.0), [(0.35, _vary(color, 0.8)), (0.65, _vary(color, 1.08))])
    pool = n.new(
        "ShaderNodeMapRange",
        {"Value": line, "From Min": level + 0.04, "From Max": level + 0.12, "To Min": 0.62, "To Max": 1.0},
    ).outputs[0]
    deep = n.new("ShaderNodeMixRGB", {"Fac": 1.0, "Color1": tone, "Color2": pool}, blend_type="MULTIPLY")
    mix = n.new("ShaderNodeMixRGB", {"Fac": top, "Color1": rgb(raw), "Color2": deep.outputs[0]})
    dots = n.ramp(n.noise(75.0, 1.0), [(0.70, (0, 0, 0)), (0.74, (0.8, 0.8, 0.8))])
    spots = n.new("ShaderNodeMixRGB", {"Fac": dots, "Color1": mix.outputs[0], "Color2": rgb(speck)})
    rough = n.new("ShaderNodeMapRange", {"Value": top, "To Min": 0.6, "To Max": 0.14}).outputs[0]
    n.set(Base_Color=spots.outputs[0], Roughness=n.math("ADD", rough, n.span(n.noise(5.0, 4.0), -0.03, 0.06)))
    n.set(Normal=n.bump(n.noise(1.6, 2.0), 0.08, 0.3, n.bump(top, 0.6, 0.006)))
    return n.mat


def steel(color=(0.62, 0.61, 0.6), rough=0.22, brush=(1, 1, 40), strength=0.12, aniso=0.6):
    """Brushed metal; brush = stretch of the scratches."""
    n = Nodes("steel")
    scratch = n.noise(6.0, 6.0, stretch=brush, rough=0.7)
    n.set(Base_Color=rgb(color), Metallic=1.0, Anisotropic=aniso)
    smear = n.span(n.noise(2.5, 5.0), -0.03, 0.05)
    n.set(Roughness=n.math("ADD", n.span(scratch, rough - 0.06, rough + 0.08), smear))
    n.set(Normal=n.bump(scratch, strength, 0.004))
    return n.mat


def leather(color, scale=22.0, strength=0.5, rough=0.48):
    n = Nodes("leather")
    cells = n.new("ShaderNodeTexVoronoi", {"Vector": n.coords(), "Scale": scale, "Randomness": 0.9}, feature="F1")
    fine = n.noise(scale * 3, 3.0)
    height = n.math("ADD", cells.outputs["Distance"], n.math("MULTIPLY", fine, 0.4))
    n.set(Base_Color=n.ramp(n.noise(2.0, 5.0), [(0.3, _vary(color, 0.72)), (0.7, _vary(color, 1.15))]))
    n.set(Roughness=n.span(n.noise(4.0, 4.0), rough - 0.08, rough + 0.1), Specular=0.4)
    n.set(Normal=n.bump(height, strength, 0.02))
    return n.mat


def weave(color, scale=60.0, strength=0.6, rough=0.85, dark=0.6, kind="Object", sheen=0.3):
    """Plain weave: two crossed waves plus slubs."""
    n = Nodes("weave")
    vec = n.coords(kind=kind)
    a = n.new(
        "ShaderNodeTexWave", {"Vector": vec, "Scale": scale, "Distortion": 0.6, "Detail": 1.0}, bands_direction="X"
    ).outputs["Fac"]
    b = n.new(
        "ShaderNodeTexWave",
        {"Vector": vec, "Scale": scale, "Distortion": 0.6, "Detail": 1.0},
        bands_direction="Z" if kind == "Object" else "Y",
    ).outputs["Fac"]
    height = n.math("MULTIPLY", a, b)
    slub = n.noise(24.0, 6.0, stretch=(1, 1, 0.3), rough=0.7)
    tone = n.math("ADD", n.math("MULTIPLY", height, 0.5), n.math("MULTIPLY", slub, 0.4))
    n.set(Base_Color=n.ramp(tone, [(0.15, _vary(color, dark)), (0.65, _vary(color, 1.1))]))
    n.set(Roughness=rough, Specular=0.2, Sheen=sheen, Normal=n.bump(height, strength, 0.015))
    return n.mat


def paper(color, rough=0.8, fibre=0.12, spec=0.2, scale=40.0):
    n = Nodes("paper")
    n.set(Base_Color=n.ramp(n.noise(scale, 6.0, rough=0.7), [(0.25, _vary(color, 0.95)), (0.75, _vary(color, 1.03))]))
    n.set(Roughness=rough, Specular=spec, Normal=n.bump(n.noise(scale, 5.0), fibre, 0.01))
    return n.mat


def wood(light, dark, rough=0.42, scale=1.0, axis="X", coat=0.0, strength=0.1):
    """Long grain: stretched noise bends rings; pores as fine streaks."""
    n = Nodes("wood")
    long = {"X": (0.07, 1, 1), "Y": (1, 0.07, 1), "Z": (1, 1, 0.07)}[axis]
    base, deep = rgb(light)[:3], rgb(dark)[:3]
    half = tuple(0.6 * a + 0.4 * b for a, b in zip(base, deep, strict=True))
    ring = n.noise(1.5 * scale, 1.5, stretch=long, distortion=0.25)
    waves = n.math("FRACT", n.math("MULTIPLY", ring, 11.0), 0.0)
    band = n.ramp(
        waves, [(0.0, _vary(light, 0.97)), (0.55, _vary(light, 0.88)), (0.88, half), (1.0, _vary(light, 0.95))]
    )
    streaks = n.ramp(n.noise(9.0 * scale, 6.0, stretch=long, rough=0.75), [(0.3, half), (0.6, base)])
    soft = n.new("ShaderNodeMixRGB", {"Fac": 0.55, "Color1": band, "Color2": streaks})
    pores = n.noise(60.0 * scale, 3.0, stretch=tuple(v * 0.6 if v < 1 else 1.0 for v in long), rough=0.7)
    tint = n.ramp(pores, [(0.34, (0.45, 0.4, 0.36)), (0.46, (1, 1, 1))])
    mix = n.new("ShaderNodeMixRGB", {"Fac": 0.6, "Color1": soft.outputs[0], "Color2": tint}, blend_type="MULTIPLY")
    big = n.ramp(n.noise(0.8 * scale, 2.0, stretch=long), [(0.3, (0.8, 0.78, 0.75)), (0.7, (1, 1, 1))])
    mix2 = n.new("ShaderNodeMixRGB", {"Fac": 0.8, "Color1": mix.outputs[0], "Color2": big}, blend_type="MULTIPLY")
    n.set(Base_Color=mix2.outputs[0], Roughness=n.span(pores, rough + 0.1, rough - 0.05), Clearcoat=coat)
    n.set(Specular=0.4, Normal=n.bump(pores, strength, 0.01))
    return n.mat


def glass(tint=(0.97, 0.985, 0.98), rough=0.0, ior=1.5, shadow=0.82):
    """Glass whose shadow rays pass (no caustics needed)."""
    n = Nodes("glass")
    body = n.new("ShaderNodeBsdfGlass", {"Color": rgb(tint), "Roughness": rough, "IOR": ior})
    clear = n.new("ShaderNodeBsdfTransparent", {"Color": (*[c * shadow for c in rgb(tint)[:3]], 1)})
    path = n.new("ShaderNodeLightPath")
    fac = n.math("MAXIMUM", path.outputs["Is Shadow Ray"], path.outputs["Is Diffuse Ray"])
    mix = n.new("ShaderNodeMixShader", {0: fac, 1: body.outputs[0], 2: clear.outputs[0]})
    n.tree.links.new(mix.outputs[0], n.out.inputs["Surface"])
    return n.mat


def glow(color, strength=1.0):
    n = Nodes("glow")
    n.set(Base_Color=(0, 0, 0, 1), Emission=rgb(color), Emission_Strength=strength)
    return n.mat


def hair(color, rough=0.35):
    """Fur strands: root darker than tip, colour varies per strand."""
    n = Nodes("hair")
    info = n.new("ShaderNodeHairInfo")
    along = n.ramp(info.outputs["Intercept"], [(0.0, _vary(color, 0.35)), (0.7, _vary(color, 1.1))])
    vary = n.ramp(info.outputs["Random"], [(0.0, (0.6, 0.58, 0.55)), (1.0, (1.1, 1.08, 1.05))])
    mix = n.new("ShaderNodeMixRGB", {"Fac": 1.0, "Color1": along, "Color2": vary}, blend_type="MULTIPLY")
    n.set(Base_Color=mix.outputs[0], Roughness=rough + 0.15, Specular=0.35, Sheen=0.3)
    return n.mat
